"""Rules for public keys and client assertions: no Django, no I/O, no clock."""
