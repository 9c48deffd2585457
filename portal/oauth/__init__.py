"""What machines are served: the JWKS of each client and the metadata of this server."""
