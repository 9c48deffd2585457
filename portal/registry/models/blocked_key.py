"""A public key that no client can register."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from portal.registry.choices import BlockedWhy
from portal.registry.models.actor import Actor
from portal.registry.models.actor_fields import ActorFields, by_somebody
from portal.registry.regexes import SHA256_HEX


class BlockedKey(models.Model):
    """A public key that no client can ever register, identified by the SHA-256 of its SPKI.

    Permanent: triggers (migration 0002) refuse changes and deletion.
    """

    spki_sha256 = models.CharField(max_length=64, primary_key=True)
    why = models.CharField(max_length=32, choices=BlockedWhy.choices)
    note = models.CharField(max_length=500, blank=True)
    blocked_at = models.DateTimeField(auto_now_add=True)
    blocked_by = ActorFields[Actor]()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(spki_sha256__regex=SHA256_HEX), name="blocked_key_is_a_sha256"
            ),
            models.CheckConstraint(
                condition=Q(why__in=BlockedWhy.values), name="blocked_key_why_known"
            ),
            models.CheckConstraint(
                condition=by_somebody("blocked_by"), name="blocked_key_by_somebody"
            ),
        ]
        indexes = [models.Index(fields=["-blocked_at", "spki_sha256"], name="blocked_key_newest")]

    def __str__(self) -> str:
        return self.spki_sha256
