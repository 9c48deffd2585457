"""The containers that public keys come in, down to the SPKI that every key is kept in."""
