"""An OAuth client and its members."""

from __future__ import annotations

import secrets
from base64 import b32encode
from itertools import combinations
from typing import Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from portal.accounts.models import User
from portal.registry.choices import GrantType, Role
from portal.registry.paging import BoundedCount
from portal.registry.toolkit_client import ToolkitClient


def new_client_id() -> str:
    """Return a random client_id: 160 bits in base32, safe in URLs, shells and host names."""
    return b32encode(secrets.token_bytes(20)).decode("ascii").lower()


_SOME_GRANT_TYPES: Final = [
    [each for each in GrantType.values if each in some]
    for number in range(len(GrantType.values))
    for some in combinations(GrantType.values, number)
]
"""Every proper subset of the grant types. All of them are stored as None."""

WITH_MORE: Final = Q(scopes__isnull=False) | Q(resources__isnull=False)
"""The condition that a client's scopes or resources differ from those of a new one."""


class ClientQuerySet(models.QuerySet["Client"]):
    """Queries for clients."""

    def visible_to(self, user: User) -> Self:
        """Return the clients that the person may see: an admin all, a member their own."""
        if user.is_staff:
            return self.existing()
        return self.existing().filter(memberships__user=user)

    def existing(self) -> Self:
        """Return the clients that are not deleted."""
        return self.filter(deleted=False)

    def in_use(self) -> Self:
        """Return the clients that are neither archived nor deleted."""
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        """Return the clients that are archived and can be taken back."""
        return self.filter(archived_at__isnull=False, deleted=False)

    def usable(self) -> Self:
        """Return the clients that are not suspended, archived or deleted."""
        return self.in_use().filter(suspended_at=None)

    def without_owner(self) -> Self:
        """Return the clients that have no owner with an active account."""
        return self.filter(~Exists(active_owners().filter(client=OuterRef("pk"))))


class Client(ToolkitClient, models.Model):
    """An OAuth client (RFC 6749 §2), which signs in with the keys registered for it.

    It is also django-oauth-toolkit's application model, so each client is stored only once.
    """

    client_id = models.CharField(max_length=64, unique=True, default=new_client_id, editable=False)
    name = models.CharField(max_length=100)
    contacts = models.JSONField(default=list, blank=True)
    redirect_uris = models.JSONField(default=list, blank=True)
    """The registered redirect URIs (RFC 7591 §2): absolute, and compared as strings."""
    # The rights that an admin gave the client. None means those of a new client: `allowed_scopes`.
    scopes = models.JSONField(null=True, blank=True)
    grant_types = models.JSONField(null=True, blank=True)
    resources = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="created_clients"
    )
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    suspension_note = models.CharField(max_length=500, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    """When an owner archived the client, or deleted it."""
    archived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    deleted = models.BooleanField(default=False, db_default=False)
    """Whether the client, which never had a key, only remains because events name it."""
    wants_successor = models.BooleanField(default=False, db_default=False)
    """Whether the team always wants a live, confirmed key that does not sign: a successor."""
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership")

    objects = ClientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="client_has_a_name"),
            models.CheckConstraint(condition=~Q(client_id=""), name="client_has_a_client_id"),
            models.CheckConstraint(
                condition=Q(suspended_at=None, suspended_by=None, suspension_note="")
                | Q(suspended_at__isnull=False, suspended_by__isnull=False),
                name="client_suspended_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(archived_at=None, archived_by=None, deleted=False)
                | Q(archived_at__isnull=False, archived_by__isnull=False),
                name="client_archived_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(grant_types__isnull=True) | Q(grant_types__in=_SOME_GRANT_TYPES),
                name="client_grant_types_known",
            ),
            models.CheckConstraint(
                condition=Q(scopes__isnull=True) | ~Q(scopes=[]), name="client_has_a_scope"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="client_newest"),
            models.Index(
                fields=["-id"], name="client_suspended", condition=Q(suspended_at__isnull=False)
            ),
            models.Index(fields=["-id"], name="client_with_more", condition=WITH_MORE),
            models.Index(
                fields=["-id"], name="client_archived", condition=Q(archived_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_suspended(self) -> bool:
        """Whether an admin has suspended the client, so that none of its keys is published."""
        return self.suspended_at is not None

    @property
    def is_archived(self) -> bool:
        """Whether it is archived or deleted: all its keys have ended, and it gets no others."""
        return self.archived_at is not None


class Membership(models.Model):
    """The role of a person in a client."""

    # The indexes in Meta serve these fields and are also sorted.
    client = models.ForeignKey(Client, models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", db_index=False
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "user"], name="membership_once_a_client"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]
        indexes = [
            models.Index(fields=["client", "id"], name="membership_of_client"),
            models.Index(fields=["user", "-id"], name="membership_of_user"),
            models.Index(
                fields=["client"], name="membership_of_owner", condition=Q(role=Role.OWNER)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"

    @property
    def is_last_owner(self) -> bool:
        """Whether the client would have no owner who can sign in without this member."""
        others = active_owners().filter(client=self.client_id).exclude(pk=self.pk)
        return self.role == Role.OWNER and not others.exists()


MANY_MEMBERS: Final = 100
"""A list names the size of a team only up to this number."""


def team_size(client: OuterRef) -> BoundedCount:
    """Return the number of members of the client; one more than `MANY_MEMBERS` for all larger."""
    return BoundedCount(Membership.objects.filter(client=client), limit=MANY_MEMBERS + 1)


def active_owners() -> models.QuerySet[Membership]:
    """Return the memberships of owners whose account is active."""
    return Membership.objects.filter(role=Role.OWNER, user__is_active=True)
