"""Clients, their keys and what happened to them: the only tables and the only writer."""
