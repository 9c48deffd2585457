"""Confirm a key: somebody has signed with its private half."""

from __future__ import annotations

from django.utils import timezone

from portal.core.lifecycle import OVER
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import KeyNotLive, KeyTaken
from portal.registry.locks import lock_fingerprints, lock_key
from portal.registry.models import PORTAL, Actor, ClientKey, Event, recording


@recording()
def confirm_key(key: ClientKey, *, by: Actor) -> ClientKey:
    """Put on record that the private half of the key was seen to work, by an assertion of it.

    The caller has verified that assertion (`portal.registry.proof_of_possession`). Once, and for
    good: a key that is confirmed stays as it is, and nothing is recorded again, so that one
    challenge confirms one key once. Where other clients have the key, it ends at once: they never
    proved to hold it. Raises `KeyNotLive` for a key that is gone, and `KeyTaken` for one that
    another client has proved to hold.
    """
    lock_fingerprints([key.spki_sha256])
    key = lock_key(key)
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
