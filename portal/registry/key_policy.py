"""The portal's key policy: the rules of the core, with the settings and the block list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path

from django.conf import settings

from portal.core.key_policy.policy import KeyPolicy
from portal.core.key_policy.published_keys import NO_LIST, PublishedKeys
from portal.core.key_policy.requirements import Requirements, combined
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.registry.models import BlockedKey, Client, ClientKey, PolicyRule
from portal.registry.policy_rules import rules_of


def key_policy(client: Client | None, now: datetime) -> KeyPolicy:
    """Return the policy for new keys of a client: settings, block list, and rules of admins.

    Without a client, only the rules for all clients count.
    """
    return policy_of(rules_of(client, now), now)


def policy_of(rules: Iterable[PolicyRule], now: datetime) -> KeyPolicy:
    """Return the policy for new keys with those of the rules that apply at `now`."""
    setting = Requirements(confirmation=settings.REQUIRE_CONFIRMATION)
    return KeyPolicy(
        rsa_min_bits=settings.RSA_MIN_BITS,
        rsa_max_bits=settings.RSA_MAX_BITS,
        allow_legacy=settings.ALLOW_LEGACY_ALGORITHMS,
        is_blocked=lambda sha: BlockedKey.objects.filter(pk=sha).exists(),
        published=published_keys(),
        required=combined([setting, *(rule.required for rule in rules if rule.applies(now))]),
    )


def published_keys() -> PublishedKeys:
    """Return the list of published private keys that the setting PUBLISHED_KEYS_FILE names."""
    return _mapped(settings.PUBLISHED_KEYS_FILE)


@cache
def _mapped(path: str) -> PublishedKeys:
    """Return the list in a file. The file is memory-mapped, not read: it has 60 MB."""
    if not path:
        return NO_LIST
    with Path(path).open("rb") as file:
        return PublishedKeys(mmap(file.fileno(), 0, access=ACCESS_READ))


def fingerprint_here(key: PublicKey) -> str:
    """Return the key's fingerprint, or its negation's if only the negation is registered.

    To an admin they are one key: the private key of one gives the private key of the other.
    """
    names = fingerprints(key)
    rows = ClientKey.objects.filter(spki_sha256__in=names)
    here = set(rows.values_list("spki_sha256", flat=True))
    return next((name for name in names if name in here), key.spki_sha256)
