"""The tables of notices: what was sent to whom, and how far the ledger was read."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from portal.notices.kinds import NoticeKind
from portal.registry.models import Client, LedgerPosition


class Position(LedgerPosition):
    """How far notices have followed ledger and clock.

    All code that gives notices locks it first, so that no two workers give the same one.
    """

    clock_at = models.DateTimeField(null=True)
    """Until when the ends of keys were handled. None before the first time."""
    clock_to = models.DateTimeField(null=True)
    """Until when they are being handled; None between two rounds."""
    clock_key = models.BigIntegerField(default=0)
    """The last key that this round has handled, by its primary key."""

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="position_is_one_row")]

    def __str__(self) -> str:
        return f"event {self.number}, ends until {self.clock_at}"


class Notice(models.Model):
    """A notice that a recipient gets once. The outbox has the message, and this row remembers it.

    Pruned rows make nothing happen again: the position is past their events, and their dates.
    """

    kind = models.CharField(max_length=32, choices=NoticeKind.choices)
    subject = models.CharField(max_length=64)
    """What it is about, such as `key 7`."""
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="+", db_index=False)
    """The client that its recipient has to see to read it; None if it is about the recipient."""
    recipient = models.CharField(max_length=80)
    """Who gets it, such as `person 3`."""
    occasion = models.CharField(max_length=64)
    """Why now: `event 41`, or the end of the key that it warns of."""
    sentence = models.TextField()
    """What it says, in one sentence, as its message writes it."""
    path = models.CharField(max_length=200)
    """The path of the page that its link leads to."""
    made_at = models.DateTimeField()
    digest_at = models.DateTimeField(null=True)
    """When a digest is to say it; None if it has a message of its own."""
    digested_at = models.DateTimeField(null=True)
    """When a digest said it."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "kind", "subject", "occasion"], name="notice_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="notice_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-made_at"], name="notice_of_recipient"),
            models.Index(fields=["made_at"], name="notice_oldest"),
            models.Index(
                fields=["digest_at"],
                name="notice_for_digest",
                condition=Q(digest_at__isnull=False, digested_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} about {self.subject} to {self.recipient}"


class Purpose(models.TextChoices):
    """What an e-mail address is asked."""

    CONTACT = "contact", "Whether to get the notices of a client"
    MEMBER = "member", "Whether to join a client"


class AskedAddress(models.Model):
    """An e-mail address that a client named, and that was asked one question.

    It gets no notice before it agrees. To be asked to join a client is another question, which is
    answered in the portal.
    """

    client = models.ForeignKey(
        Client, models.CASCADE, related_name="asked_addresses", db_index=False
    )
    email = models.EmailField(db_index=True)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    """The person who entered the address, or who made the client."""
    agreed_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    """When the owner of the address wanted to hear no more of the client."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "email", "purpose"], name="address_asked_once"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values), name="asked_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="asked_email_is_lower_case"
            ),
            models.CheckConstraint(
                condition=Q(agreed_at=None) | Q(stopped_at=None), name="asked_agreed_or_stopped"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_purpose_display()}"

    @property
    def answer(self) -> str:
        """What a contact answered, in words that follow its address."""
        if self.agreed_at:
            return "gets notices"
        return "wants no notices" if self.stopped_at else "has not answered"


class SilentAddress(models.Model):
    """An e-mail address whose owner wants no questions and no notices of any client."""

    email = models.EmailField(primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.email


class Mute(models.Model):
    """A kind of notice that a person does not want."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="mutes", db_index=False
    )
    kind = models.CharField(max_length=32, choices=NoticeKind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="mute_once"),
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="mute_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"
