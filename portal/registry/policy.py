"""The portal's own rules for keys: the core's, with the settings and the block list."""

from __future__ import annotations

from django.conf import settings

from portal.core.policy import KeyPolicy
from portal.registry.models import BlockedKey


def key_policy() -> KeyPolicy:
    """Return the rules that keys are judged by, from the settings and the block list."""
    return KeyPolicy(
        rsa_min_bits=settings.RSA_MIN_BITS,
        rsa_max_bits=settings.RSA_MAX_BITS,
        allow_legacy=settings.ALLOW_LEGACY_ALGORITHMS,
        is_blocked=lambda sha: BlockedKey.objects.filter(pk=sha).exists(),
    )
