"""Confirm a key: its client has signed with the private key."""

from __future__ import annotations

from django.utils import timezone

from portal.core.lifecycle import OVER
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import KeyNotLive, KeyTaken
from portal.registry.locks import lock_fingerprints, lock_with_replaced
from portal.registry.models import PORTAL, Actor, ClientKey, Event, recording


@recording()
def confirm_key(key: ClientKey, *, by: Actor) -> ClientKey:
    """Record that the client has proved possession of the private key, with an assertion.

    The caller must have verified that assertion (`portal.registry.proof_of_possession`). Permanent
    and idempotent: a confirmed key does not change and nothing is recorded again, so one challenge
    confirms one key once. Revokes the key in other clients, which never proved possession. Raises
    `KeyNotLive` if the key has ended, and `KeyTaken` if another client has proved possession.
    """
    lock_fingerprints([key.spki_sha256])
    key = lock_with_replaced(key.pk)[key.pk]
    if key.confirmed_at:
        return key
    status = key.lifecycle.status(timezone.now())
    if status in OVER:
        message = f"“{key.label}” is {status.label.lower()}, so there is nothing to confirm."
        raise KeyNotLive(message)
    others = ClientKey.objects.filter(spki_sha256=key.spki_sha256).exclude(pk=key.pk)
    if others.filter(confirmed_at__isnull=False).exists():
        message = (
            "Another client has proved that it has this private key. A key pair belongs to "
            "only one client: create a new one for this client."
        )
        raise KeyTaken(message)
    key.confirmed_at, key.confirmed_by = timezone.now(), by
    key.save(update_fields=["confirmed_at", *ClientKey.confirmed_by.fields])
    detail = {"alg": key.alg, "kid": key.kid}
    Event.objects.record(Verb.CONFIRM_KEY, by=by, client=key.client, key=key, detail=detail)
    for other in others.filter(revoked_at=None).order_by("pk"):
        revoke_key(other, reason=RevocationReason.PROVED_ELSEWHERE, by=PORTAL)
    return key
