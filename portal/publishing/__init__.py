"""What verifiers fetch: the key set of each client, from memory where it can be."""
