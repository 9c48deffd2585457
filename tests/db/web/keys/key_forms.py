"""What people send to register a key, and what they send by mistake."""

from __future__ import annotations

from typing import Any

from tests.keys import new_private_key, public_pem


def good(**changes: Any) -> dict[str, Any]:
    """Return a form that registers an EdDSA key."""
    entered = {
        "material": public_pem(new_private_key()),
        "alg": "EdDSA",
        "label": "production",
        "not_before": "",
        "expires_at": "",
    }
    return entered | changes


def body_of(pem: str) -> str:
    """Return the first line of the base64 inside, which must be seen nowhere."""
    return pem.splitlines()[1]
