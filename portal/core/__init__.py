"""Public keys and what may be done with them: no Django, no I/O, no clock."""
