"""How passwords are hashed."""

from __future__ import annotations

from threading import Lock

from django.contrib.auth.hashers import PBKDF2PasswordHasher

_turn = Lock()


class OneAtATime(PBKDF2PasswordHasher):
    """Django's own hasher, which each process uses for one password at a time.

    A hash takes a processor for a good part of a second. Side by side those of a rush would all end
    late, and hold all threads until then; in turn most of them end sooner, and none later.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash, as Django writes it."""
        with _turn:
            return super().encode(password, salt, iterations)
