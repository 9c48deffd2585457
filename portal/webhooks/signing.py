"""The headers of a webhook, as https://www.standardwebhooks.com specifies them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Final

from portal import own_keys
from portal.own_keys import WEBHOOKS, OwnKey

_SECRET: Final = "whsec_"  # noqa: S105 - the prefix of a secret
_PUBLIC: Final = "whpk_"
_SECRET_BYTES: Final = 32


class CannotSign(Exception):  # noqa: N818 - it says what happened
    """There is neither a key nor a secret to sign with."""


def new_secret() -> str:
    """Return a new shared secret, as receivers configure it."""
    return _SECRET + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def public_text(key: OwnKey) -> str:
    """Return a public key as receivers configure it."""
    return _PUBLIC + b64encode(key.public_bytes).decode("ascii")


def headers(message_id: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Return the headers that identify, date and sign a message.

    `v1a` is a signature by each of the portal's keys, `v1` one with the shared secret, if there is
    one. Raises `CannotSign`.
    """
    timestamp = str(int(now.timestamp()))
    content = f"{message_id}.{timestamp}.".encode("ascii") + body
    signatures = [f"v1a,{_text(key.sign(content))}" for key in own_keys.signing_keys(WEBHOOKS)]
    if secret:
        shared = b64decode(secret.removeprefix(_SECRET))
        signatures.append(f"v1,{_text(hmac.digest(shared, content, hashlib.sha256))}")
    if not signatures:
        raise CannotSign
    return {
        "Content-Type": "application/json",
        "User-Agent": "Key-portal-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _text(signature: bytes) -> str:
    return b64encode(signature).decode("ascii")
