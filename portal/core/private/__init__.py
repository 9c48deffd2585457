"""Detects private keys, and derives their public keys."""
