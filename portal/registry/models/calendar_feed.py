"""The secret address that gives a client's key ends as a calendar."""

from __future__ import annotations

import hashlib
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.registry.models.client import Client
from portal.registry.regexes import SHA256_HEX


def hash_of(secret: str) -> str:
    """Return the hash under which a secret is stored. It is random, so it needs no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    """Queries for calendar addresses."""

    def with_secret(self, secret: str) -> Self:
        """Return the address that ends in this secret, unless its client was deleted."""
        return self.filter(secret_sha256=hash_of(secret), client__deleted=False)


class CalendarFeed(models.Model):
    """A client's calendar address. Anyone who knows its secret can read labels and ends of keys."""

    client = models.OneToOneField(Client, models.CASCADE, related_name="calendar_feed")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(secret_sha256__regex=SHA256_HEX), name="calendar_secret_is_a_sha256"
            )
        ]

    def __str__(self) -> str:
        return f"calendar of {self.client}"
