"""The table of what was counted in the registry."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Counted(models.Model):
    """The last count of the registry. The only row of its table; without it there was none yet."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    seconds = models.FloatField()
    """How long it took to count."""
    keys = models.JSONField()
    """A list of [algorithm, status, number]."""
    clients_without_live_key = models.PositiveBigIntegerField()
    keys_ending = models.PositiveBigIntegerField()
    """How many live keys end within 30 days."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="counted_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"counted at {self.at}"
