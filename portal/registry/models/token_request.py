"""Requests with client authentication: accepted assertions and refused requests.

Neither table ever stores an assertion.
"""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from portal.registry.models.client import Client
from portal.registry.models.client_key import ClientKey
from portal.registry.regexes import SHA256_HEX

MAX_SEEN: Final = 200
"""The maximum length in characters of `seen` and of `expected`."""


class RedeemedAssertion(models.Model):
    """An assertion that was accepted, so that it is never accepted again (RFC 7523 §3 (7)).

    Inserting the row consumes the assertion: client and SHA-256 of the `jti` are unique together.
    The rows also record when a key was last used, so pruning keeps the newest row of each key. The
    hot path writes only this row.
    """

    # No foreign key constraints: they would lock both rows for each token request. Neither row can
    # be deleted: a trigger refuses it for keys, and clients have events.
    client = models.ForeignKey(
        Client, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    key = models.ForeignKey(
        ClientKey, models.PROTECT, related_name="redeemed", db_index=False, db_constraint=False
    )
    jti_sha256 = models.CharField(max_length=64)
    reference = models.CharField(max_length=16)
    kid_sent = models.BooleanField(null=True)
    """Whether the header named the key. None in rows of versions that did not record it."""
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    network = models.CharField(max_length=43, default="", db_default="")
    """The network that it came from (`portal.core.networks`); empty if that is not kept."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "jti_sha256"], name="jti_used_once"),
            models.CheckConstraint(
                condition=Q(jti_sha256__regex=SHA256_HEX), name="jti_is_a_sha256"
            ),
        ]
        indexes = [
            models.Index(fields=["client", "-id"], name="redeemed_of_client"),
            models.Index(fields=["key", "-id"], name="redeemed_of_key"),
            models.Index(fields=["reference"], name="redeemed_by_reference"),
        ]

    def __str__(self) -> str:
        return self.reference


class RefusedRequest(models.Model):
    """A refused request and the cause. The sender received its `reference` to look it up.

    `client` is the client that the request claimed to come from, if it exists; nothing is proven.
    `reason` is a code of `portal.core.reasons.Reason`, or of RFC 6749 §5.2 if the client was
    authenticated and its grant was refused.
    """

    client = models.ForeignKey(
        Client, models.PROTECT, null=True, blank=True, related_name="refused", db_index=False
    )
    key = models.ForeignKey(
        ClientKey, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    kid = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=64)
    seen = models.CharField(max_length=MAX_SEEN, blank=True)
    expected = models.CharField(max_length=MAX_SEEN, blank=True)
    reference = models.CharField(max_length=16, unique=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__regex=r"^[a-z][a-z0-9_]*$"), name="refused_for_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["client", "-id"], name="refused_of_client"),
            models.Index(fields=["reason", "-id"], name="refused_by_reason"),
            models.Index(fields=["at"], name="refused_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.reason}"
