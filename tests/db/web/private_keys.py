"""Private keys as people send them by mistake."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.keys import PrivateKey, new_private_key


def private_pem(private: PrivateKey | None = None) -> str:
    """Return a private key as PKCS#8 PEM."""
    private = private or new_private_key()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def body_of(pem: str) -> str:
    """Return the first line of the base64 inside, which must be seen nowhere."""
    return pem.splitlines()[1]
