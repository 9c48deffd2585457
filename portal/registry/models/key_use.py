"""How often keys were used at the token endpoint, by day."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from portal.registry.models.client_key import ClientKey


class KeyUse(models.Model):
    """The uses of a key on a day (UTC), counted from accepted assertions, which are deleted later.

    So a key has one row for each day on which it was used.
    """

    key = models.ForeignKey(ClientKey, models.PROTECT, related_name="uses", db_index=False)
    day = models.DateField()
    uses = models.BigIntegerField()
    networks = models.JSONField(default=dict)
    """How often it was used from each network, at most `MAX_NETWORKS` of them; "" is all others.
    """
    last_at = models.DateTimeField()
    last_network = models.CharField(max_length=43, blank=True)
    up_to = models.BigIntegerField()
    """The primary key of the last assertion that is counted here."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "day"], name="uses_of_key_and_day"),
            models.CheckConstraint(condition=Q(uses__gte=1), name="key_use_is_a_use"),
        ]
        indexes = [models.Index(fields=["day", "id"], name="key_use_by_day")]

    def __str__(self) -> str:
        return f"{self.key}: {self.uses} on {self.day}"


class UseCursor(models.Model):
    """How far assertions are counted. The only row of its table."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    counted = models.BigIntegerField(default=0)
    """The primary key of the last assertion that is counted."""
    seen = models.BigIntegerField(default=0)
    """The next one to count up to, once the transactions in `pending` have ended."""
    pending = models.JSONField(default=list)
    """The transactions that could add an assertion below `seen`, as PostgreSQL names them."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="use_cursor_is_one_row"),
            models.CheckConstraint(
                condition=Q(seen__gte=models.F("counted")), name="use_cursor_counts_what_it_saw"
            ),
        ]

    def __str__(self) -> str:
        return f"counted up to {self.counted}"
