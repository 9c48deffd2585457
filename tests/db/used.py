"""Keys that were used, as the token endpoint records it."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from django.utils import timezone

from portal.registry.models import ClientKey, RedeemedAssertion


def used(key: ClientKey, ago: timedelta, *, jti: str = "") -> RedeemedAssertion:
    """Record that an assertion of two minutes, signed with the key, was accepted so long ago."""
    at = timezone.now() - ago
    return RedeemedAssertion.objects.create(
        client=key.client,
        key=key,
        jti_sha256=sha256((jti or uuid4().hex).encode()).hexdigest(),
        reference=uuid4().hex[:16],
        at=at,
        expires_at=at + timedelta(minutes=2),
    )
