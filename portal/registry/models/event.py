"""The record of what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from portal.registry.choices import Verb
from portal.registry.models.actor import Actor, ActorFields, by_somebody, described
from portal.registry.models.client import Client
from portal.registry.models.client_key import ClientKey


def difference(before: Sequence[str], after: Sequence[str]) -> dict[str, list[str]]:
    """Return what is new in a list and what is gone, for an event's detail.

    An event stays for good, and lists can be long.
    """
    return {
        "added": [each for each in after if each not in before],
        "removed": [each for each in before if each not in after],
    }


class EventManager(models.Manager["Event"]):
    """Adds events."""

    def record(
        self,
        verb: Verb,
        *,
        by: Actor,
        client: Client | None = None,
        key: ClientKey | None = None,
        detail: dict[str, Any] | None = None,
    ) -> Event:
        """Put on record that `by` did this just now, to the client and its key."""
        return self.create(
            verb=verb, client=client, key=key, detail=detail or {}, **Event.actor.values(by)
        )


class Event(models.Model):
    """Something that happened. Append-only: triggers (migration 0002) refuse everything else."""

    at = models.DateTimeField(auto_now_add=True)
    # Their indexes are those of Meta, which are sorted too.
    actor = ActorFields[Actor](db_index=False)
    verb = models.CharField(max_length=32, choices=Verb.choices)
    client = models.ForeignKey(
        Client, models.PROTECT, null=True, blank=True, related_name="events", db_index=False
    )
    key = models.ForeignKey(
        ClientKey, models.PROTECT, null=True, blank=True, related_name="events", db_index=False
    )
    detail = models.JSONField(default=dict, blank=True)

    objects = EventManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verb__in=Verb.values),
                name="event_verb_known",
            ),
            models.CheckConstraint(condition=by_somebody("actor"), name="event_has_one_actor"),
        ]
        indexes = [
            models.Index(fields=["client", "-id"], name="event_of_client"),
            models.Index(fields=["key", "-id"], name="event_of_key"),
            models.Index(fields=["actor_user", "-id"], name="event_of_actor"),
            models.Index(fields=["verb", "-id"], name="event_by_verb"),
            models.Index(fields=["-at", "-id"], name="event_by_time"),
        ]
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"{described(self.actor)} {self.get_verb_display()}"
