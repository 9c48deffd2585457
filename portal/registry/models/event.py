"""The events of the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.registry.choices import Verb
from portal.registry.models.actor import Actor, describe_actor
from portal.registry.models.actor_fields import ActorFields, by_somebody
from portal.registry.models.appending import collect
from portal.registry.models.client import Client
from portal.registry.models.client_key import ClientKey
from portal.registry.regexes import SHA256_HEX


def difference(before: Sequence[str], after: Sequence[str]) -> dict[str, list[str]]:
    """Return what was added to and removed from a list, for an event's detail.

    Events are permanent and lists can be long, so an event does not contain both lists.
    """
    return {
        "added": [each for each in after if each not in before],
        "removed": [each for each in before if each not in after],
    }


class EventManager(models.Manager["Event"]):
    """Adds events, and finds those that record states."""

    def record(
        self,
        verb: Verb,
        *,
        by: Actor,
        client: Client | None = None,
        key: ClientKey | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Record that `by` did this to the client and its key.

        Inside an action, the event is written at the end of its transaction (`recording`).
        """
        values = Event.actor.values(by)
        collect(Event(verb=verb, client=client, key=key, detail=detail or {}, **values))

    def in_order(self, verbs: Collection[str]) -> QuerySet[Event]:
        """Return the events of these verbs in the order of the ledger, unnumbered ones last."""
        return self.filter(verb__in=verbs).order_by(F("number").asc(nulls_last=True), "pk")


class Event(models.Model):
    """Something that happened. Append-only: triggers (0002, 0018) refuse everything else.

    Versions without the ledger add events without a number. The next action numbers them; this is
    the only change that the triggers allow.
    """

    number = models.BigIntegerField(null=True, editable=False)
    """The position in the ledger, from 1, without gaps, in commit order."""
    leaf = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - see above
    """The hash of the event in the ledger, in hexadecimal (`portal.core.ledger.Entry`)."""
    version = models.PositiveSmallIntegerField(null=True, editable=False)
    """The version of the canonical form that the leaf hashes."""
    salts = models.JSONField(null=True, editable=False)
    """The salt of each private text in `detail`, by JSON Pointer."""
    at = models.DateTimeField(default=timezone.now, editable=False)
    # The indexes in Meta serve these fields and are also sorted.
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
            models.CheckConstraint(
                condition=Q(number=None, leaf=None, version=None, salts__isnull=True)
                | Q(
                    number__gte=1,
                    leaf__regex=SHA256_HEX,
                    version__isnull=False,
                    salts__isnull=False,
                ),
                name="event_is_in_the_ledger_or_not",
            ),
            models.UniqueConstraint(
                fields=["number"], condition=Q(number__isnull=False), name="event_number"
            ),
        ]
        indexes = [
            models.Index(fields=["client", "-id"], name="event_of_client"),
            models.Index(fields=["key", "-id"], name="event_of_key"),
            models.Index(fields=["actor_user", "-id"], name="event_of_actor"),
            models.Index(fields=["verb", "-id"], name="event_by_verb"),
            models.Index(fields=["-at", "-id"], name="event_by_time"),
            models.Index(fields=["id"], name="event_unnumbered", condition=Q(number=None)),
        ]
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"{describe_actor(self.actor)} {self.get_verb_display()}"
