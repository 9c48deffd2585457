"""The tables of webhooks: where they go, what was sent, and how far the ledger was read."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from portal.outgoing import LONGEST_URL
from portal.registry.models import Client, LedgerPosition


class EventType(models.TextChoices):
    """What a webhook can be about. Receivers compare the values: never rename one."""

    KEY_REGISTERED = "key.registered", "A key was registered"
    KEY_CONFIRMED = "key.confirmed", "A key was confirmed"
    KEY_CHANGED = "key.changed", "The expiry of a key was changed"
    KEY_EXPIRING = "key.expiring", "A key ends in 30, 14, 7, 3 or 1 days"
    KEY_RETIRED = "key.retired", "A key was retired, now or at a date"
    KEY_KEPT = "key.kept", "The retirement of a key was cancelled"
    KEY_REVOKED = "key.revoked", "A key was revoked"
    KEY_BLOCKED = "key.blocked", "A key was blocked for all clients"
    CLIENT_SUSPENDED = "client.suspended", "A client was suspended"
    CLIENT_RESUMED = "client.resumed", "A client was resumed"
    MEMBER_ADDED = "member.added", "A person became a member"
    MEMBER_REMOVED = "member.removed", "A member was removed, or left"
    POLICY_CHANGED = "policy.changed", "The key policy was changed"
    TEST = "webhook.test", "A test"

    @classmethod
    def choosable(cls) -> list[tuple[str, str]]:
        """Return the types that a webhook can be limited to, each with its text."""
        return [(value, text) for value, text in cls.choices if value != cls.TEST]


class OffBecause(models.TextChoices):
    """Why a webhook is off."""

    PERSON = "person", "A person switched it off"
    GONE = "gone", "Its receiver answered 410 Gone"
    FAILING = "failing", "No delivery succeeded for five days"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    """Queries for webhooks."""

    def of(self, client: Client | None) -> Self:
        """Return the webhooks of the client, or with None those of the whole portal."""
        return self.filter(client=client)

    def with_work(self, now: datetime) -> Self:
        """Return those that have something to send now."""
        due = Delivery.objects.filter(webhook=OuterRef("pk"), next_at__lte=now)
        paused = Q(paused_until__gt=now)
        return self.filter(~paused, Exists(due), off_at=None)


class Webhook(models.Model):
    """A URL that is sent the events of a client, or of the whole portal."""

    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="webhooks")
    """The client, or None for the whole portal."""
    url = models.CharField(max_length=LONGEST_URL)
    types = models.JSONField()
    """The `EventType`s to send."""
    secret = models.TextField(blank=True)
    """The shared secret, encrypted (`portal.work.sealing`); empty without a signature of v1."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    since = models.BigIntegerField()
    """The number of the last event in the ledger that it is not sent."""
    off_at = models.DateTimeField(null=True)
    off_because = models.CharField(max_length=16, choices=OffBecause.choices, blank=True)
    failures = models.PositiveIntegerField(default=0)
    """How many attempts failed since the last success."""
    failing_since = models.DateTimeField(null=True)
    """When the first of these failed."""
    paused_until = models.DateTimeField(null=True)
    """Nothing is sent before, because the last attempt failed."""

    objects = WebhookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(url=""), name="webhook_has_a_url"),
            models.CheckConstraint(condition=~Q(types=[]), name="webhook_has_types"),
            models.CheckConstraint(
                condition=Q(off_at=None, off_because="")
                | Q(off_at__isnull=False, off_because__in=OffBecause.values),
                name="webhook_is_off_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since=None, paused_until=None)
                | Q(failures__gt=0, failing_since__isnull=False),
                name="webhook_fails_since_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    @property
    def is_on(self) -> bool:
        """Whether events are sent to it."""
        return self.off_at is None


class Delivery(models.Model):
    """A message to a webhook: to be sent, delivered, or given up. Kept for `follow.KEPT`."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    message_id = models.CharField(max_length=40, unique=True)
    """The `webhook-id`: the same in all attempts."""
    occasion = models.CharField(max_length=120)
    """What the message is about: `event 41`, or the end of a key. Each is sent once to a webhook.
    """
    type = models.CharField(max_length=32, choices=EventType.choices)
    body = models.TextField()
    made_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    """When it may be sent next, or None if it was delivered or given up."""
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(null=True)
    """How long the last attempt took."""
    status = models.PositiveSmallIntegerField(null=True)
    """The HTTP status of the last attempt, or None if there was no response."""
    error = models.CharField(max_length=200, blank=True)
    """Why there was no response, or why it was given up."""
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook", "occasion"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(type__in=EventType.values), name="delivery_type_known"
            ),
            models.CheckConstraint(
                condition=Q(delivered_at=None) | Q(next_at=None), name="delivery_ends"
            ),
        ]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
            models.Index(
                fields=["webhook", "next_at", "id"],
                name="delivery_due",
                condition=Q(next_at__isnull=False),
            ),
            models.Index(fields=["made_at", "id"], name="delivery_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"


class Position(LedgerPosition):
    """How far webhooks have followed ledger and clock."""

    clock_at = models.DateTimeField()
    """Until when the ends of keys were handled."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="webhooks_position_is_one_row")
        ]

    def __str__(self) -> str:
        return f"event {self.number}, ends until {self.clock_at}"

    @classmethod
    def ledger_ended_at(cls, size: int) -> None:
        """Let webhooks begin there that are only sent later events."""
        Webhook.objects.filter(since__gt=size).update(since=size)
