"""The members of a client."""
