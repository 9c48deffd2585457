"""Readers for what strangers send: one value has one spelling."""
