"""Notices: e-mails to people about what happened to their clients and what will happen."""
