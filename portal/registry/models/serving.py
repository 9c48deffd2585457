"""What the serving processes store for each other. All of it is temporary."""

from __future__ import annotations

import uuid

from django.db import models


class RequestedSet(models.Model):
    """A key set requested from any process in this hour, so that all keep it in memory."""

    client_id = models.CharField(max_length=64)
    extended = models.BooleanField()
    hour = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "client_id", "extended"], name="requested_once_an_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client_id} at {self.hour}"


class ServingProcess(models.Model):
    """The last report of a serving process."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=64)
    number = models.BigIntegerField()
    """The number of the last event that its answers contain."""
    cached = models.PositiveIntegerField()
    unfit = models.PositiveIntegerField()
    """How many sets requested in the last hour are not in its cache."""
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.host} serves {self.number}"
