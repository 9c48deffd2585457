"""Encrypt what a task needs and nobody may read: codes, links that sign in, addresses.

The key is derived from SECRET_KEY, so a copy of the database alone reveals nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT: Final = "portal.work.sealing"


class NotSealed(Exception):  # noqa: N818 - it says what the text is
    """The text was not sealed with this SECRET_KEY or one of its fallbacks."""


def seal(text: str) -> str:
    """Return the text encrypted and authenticated (Fernet: AES-128-CBC with HMAC-SHA-256)."""
    return _fernet().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Return what was sealed. Raises `NotSealed`."""
    try:
        return _fernet().decrypt(sealed).decode()
    except InvalidToken:
        raise NotSealed from None


def _fernet() -> MultiFernet:
    """Return what encrypts with SECRET_KEY, and also decrypts with its fallbacks."""
    return MultiFernet(
        Fernet(urlsafe_b64encode(salted_hmac(_SALT, "", secret=each, algorithm="sha256").digest()))
        for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
