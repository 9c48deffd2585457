"""Clients, their keys and their events: owns the tables and is the only code that writes them."""
