"""The documents that verifiers fetch: each client's key set, from memory if possible."""
