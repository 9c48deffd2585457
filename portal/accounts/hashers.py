"""Django's password hasher, with a limit on concurrent hashes."""

from __future__ import annotations

from django.contrib.auth import hashers

from portal import bulkhead


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Hashes a few passwords at a time, so that sign-ins leave processors and slots free."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash. Raises `BulkheadFull` if too many requests wait for a hash."""
        with bulkhead.pages.released(), bulkhead.passwords:
            return super().encode(password, salt, iterations)
