"""How passwords are hashed: as Django does it, a few at a time."""

from __future__ import annotations

from django.contrib.auth import hashers

from portal import bulkhead


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Leaves the processors, and the slots with connections, to others while many sign in."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash. Raises `BulkheadFull` when too many wait for theirs."""
        with bulkhead.pages.released(), bulkhead.passwords:
            return super().encode(password, salt, iterations)
