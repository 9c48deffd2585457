"""The portal's own rules for keys: the core's, with the settings and the block list."""

from __future__ import annotations

from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path

from django.conf import settings

from portal.core.key_policy.policy import KeyPolicy
from portal.core.key_policy.published_keys import NO_LIST, PublishedKeys
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.registry.models import BlockedKey, ClientKey


def key_policy() -> KeyPolicy:
    """Return the rules that keys are judged by, from the settings and the block list."""
    return KeyPolicy(
        rsa_min_bits=settings.RSA_MIN_BITS,
        rsa_max_bits=settings.RSA_MAX_BITS,
        allow_legacy=settings.ALLOW_LEGACY_ALGORITHMS,
        is_blocked=lambda sha: BlockedKey.objects.filter(pk=sha).exists(),
        published=published_keys(),
    )


def published_keys() -> PublishedKeys:
    """Return the list of published private keys that the setting PUBLISHED_KEYS_FILE names."""
    return _mapped(settings.PUBLISHED_KEYS_FILE)


@cache
def _mapped(path: str) -> PublishedKeys:
    """Return the list in a file, which is mapped into memory and not read: it has 60 MB."""
    if not path:
        return NO_LIST
    with Path(path).open("rb") as file:
        return PublishedKeys(mmap(file.fileno(), 0, access=ACCESS_READ))


def fingerprint_here(key: PublicKey) -> str:
    """Return the fingerprint of the key, or that of the other sign when only that is registered.

    To an admin they are one key: whoever has the private half of one has that of the other.
    """
    names = fingerprints(key)
    rows = ClientKey.objects.filter(spki_sha256__in=names)
    here = set(rows.values_list("spki_sha256", flat=True))
    return next((name for name in names if name in here), key.spki_sha256)
