"""The record of what happened."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.registry.choices import Verb
from portal.registry.models.client import Client
from portal.registry.models.client_key import ClientKey


class Event(models.Model):
    """Something that happened. Append-only: triggers (migration 0002) refuse everything else."""

    at = models.DateTimeField(auto_now_add=True)
    # Their indexes are those of Meta, which are sorted too.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    verb = models.CharField(max_length=32, choices=Verb.choices)
    client = models.ForeignKey(
        Client, models.PROTECT, null=True, blank=True, related_name="events", db_index=False
    )
    key = models.ForeignKey(
        ClientKey, models.PROTECT, null=True, blank=True, related_name="events", db_index=False
    )
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verb__in=Verb.values),
                name="event_verb_known",
            ),
        ]
        indexes = [
            models.Index(fields=["client", "-id"], name="event_of_client"),
            models.Index(fields=["key", "-id"], name="event_of_key"),
            models.Index(fields=["actor", "-id"], name="event_of_actor"),
            models.Index(fields=["verb", "-id"], name="event_by_verb"),
            models.Index(fields=["-at", "-id"], name="event_by_time"),
        ]
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor} {self.get_verb_display()}"
