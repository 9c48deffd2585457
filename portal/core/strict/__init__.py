"""Strict decoders for untrusted input: each value has exactly one encoding."""
