"""The token requests of a client."""
