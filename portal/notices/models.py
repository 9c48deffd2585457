"""The tables of notices: what was sent to whom, and how far the ledger was read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from portal.notices.kinds import NoticeKind
from portal.registry.models import Ledger


class Position(models.Model):
    """How far notices have followed the ledger. The only row of its table.

    Code that gives notices locks it first, so that no two workers give the same one.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    """The number of the last event that was handled."""
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

    @classmethod
    def locked(cls) -> Position:
        """Return the position, locked until the transaction ends.

        The first one is the head of the ledger: nobody gets notices of what was long ago.
        """
        rows = cls._default_manager
        position = rows.select_for_update().filter(pk=1).first()
        if position is None:
            rows.get_or_create(pk=1, defaults={"number": Ledger.head().size})
            position = rows.select_for_update().get(pk=1)
        return position


class Notice(models.Model):
    """A notice that a recipient gets once. The outbox has the message, and this row remembers it.

    Pruned rows make nothing happen again: the position is past their events, and their dates.
    """

    kind = models.CharField(max_length=32, choices=NoticeKind.choices)
    subject = models.CharField(max_length=64)
    """What it is about, such as `key 7`."""
    recipient = models.CharField(max_length=80)
    """Who gets it, such as `person 3`."""
    occasion = models.CharField(max_length=64)
    """Why now: `event 41`, or the end of the key that it warns of."""
    sentence = models.TextField()
    """What it says, in one sentence, as its message writes it."""
    path = models.CharField(max_length=200)
    """The path of the page that its link leads to."""
    made_at = models.DateTimeField()

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
        ]

    def __str__(self) -> str:
        return f"{self.kind} about {self.subject} to {self.recipient}"
