"""The replacement of a key by a new one."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.accounts.models import User
from portal.registry.models.client import Client
from portal.registry.models.client_key import ClientKey


class ReplacementQuerySet(models.QuerySet["Replacement"]):
    """Queries for replacements."""

    def standing(self) -> Self:
        """Return those that were not taken back: at most one for each old key."""
        return self.filter(withdrawn_at=None)


class Replacement(models.Model):
    """That a team replaces a key, so that the page is found again. It changes no key by itself."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="replacements")
    old = models.ForeignKey(ClientKey, models.PROTECT, related_name="replacements", db_index=False)
    new: models.ForeignKey[ClientKey | None] = models.ForeignKey(
        ClientKey, models.PROTECT, null=True, related_name="replacing"
    )
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True)
    """When all processes of the portal were first seen to have the new key."""
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by: models.ForeignKey[User | None] = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = ReplacementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["old"], condition=Q(withdrawn_at=None), name="replaced_once"
            ),
            models.CheckConstraint(
                condition=Q(new=None) | ~Q(new=F("old")), name="replaced_by_another"
            ),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(new__isnull=False),
                name="published_is_the_new_key",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="replacement_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"replacement of {self.old}"
