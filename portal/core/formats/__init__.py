"""Readers for the containers of public keys, and for the SPKI in which every key is stored."""
