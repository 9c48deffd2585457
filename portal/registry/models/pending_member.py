"""A person who was asked to join a client and has not answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Self

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from portal.accounts.models import User
from portal.registry.choices import Role
from portal.registry.models.client import Client

OPEN_FOR: Final = timedelta(days=14)
"""How long a person can accept."""


class PendingMemberQuerySet(models.QuerySet["PendingMember"]):
    """Queries for pending members."""

    def open(self, now: datetime) -> Self:
        """Return those that can still be accepted at `now`."""
        return self.filter(asked_at__gt=now - OPEN_FOR)

    def of_person(self, user: User) -> Self:
        """Return those of existing clients with an address that the person has confirmed."""
        confirmed = EmailAddress.objects.filter(user=user, verified=True)
        return self.filter(email__in=confirmed.values("email"), client__deleted=False)


class PendingMember(models.Model):
    """An e-mail address whose owner was asked to join a client. It gives no right.

    There need not be an account with this address: who asks does not learn whether there is one.
    """

    client = models.ForeignKey(Client, models.CASCADE, related_name="pending_members")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = PendingMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            # The address comes first: a person finds the clients that ask them.
            models.UniqueConstraint(fields=["email", "client"], name="asked_once_a_client"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="pending_role_known"),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="pending_email_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_role_display()}"

    @property
    def ends_at(self) -> datetime:
        """When the person can no longer accept."""
        return self.asked_at + OPEN_FOR

    def is_open(self, now: datetime) -> bool:
        """Return whether the person can still accept."""
        return self.ends_at > now
