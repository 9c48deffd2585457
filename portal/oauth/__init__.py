"""The OAuth endpoints of this server."""
