"""Token requests as the token endpoint records them, for tests of what is shown of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.utils import timezone

from portal.registry.models import Client, ClientKey, RedeemedAssertion, RefusedRequest


def reference_of(number: int) -> str:
    """Return a reference that tells its number: the digits as letters."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:016d}")


def refuse(client: Client | None, number: int, **facts: Any) -> RefusedRequest:
    """Record a refused request, `ago` before now."""
    at = _at(facts)
    known = {"reason": "aud_mismatch", "reference": reference_of(number), "at": at}
    return RefusedRequest.objects.create(client=client, **{**known, **facts})


def accept(key: ClientKey, number: int, **facts: Any) -> RedeemedAssertion:
    """Record an accepted request, `ago` before now."""
    at = _at(facts)
    return RedeemedAssertion.objects.create(
        client=key.client,
        key=key,
        jti_sha256=sha256(str(number).encode()).hexdigest(),
        reference=reference_of(number),
        at=at,
        expires_at=at + timedelta(minutes=2),
        **facts,
    )


def _at(facts: dict[str, Any]) -> datetime:
    ago: timedelta = facts.pop("ago", timedelta())
    return timezone.now() - ago
