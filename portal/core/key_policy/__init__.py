"""Which public keys may be used."""
