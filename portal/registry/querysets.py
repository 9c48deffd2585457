"""Which rows somebody may see and which keys are live, asked of the database."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

if TYPE_CHECKING:
    from portal.accounts.models import User
    from portal.registry.models import Client, ClientKey  # noqa: F401 - named in strings


class ClientQuerySet(models.QuerySet["Client"]):
    """Clients."""

    def visible_to(self, user: User) -> Self:
        """Return the clients that the person may see: an admin all, others those they belong to."""
        if user.is_staff:
            return self
        return self.filter(memberships__user=user)


class ClientKeyQuerySet(models.QuerySet["ClientKey"]):
    """Keys."""

    def occupying(self, now: datetime) -> Self:
        """Return the keys that count against a client's limit: live at `now`, or still to start."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=now),
            Q(retires_at=None) | Q(retires_at__gt=now),
            revoked_at=None,
        )

    def live(self, now: datetime) -> Self:
        """Return the keys that are trusted at `now`, in step with `PublishableKey.is_live`."""
        return self.occupying(now).filter(
            Q(not_before=None) | Q(not_before__lte=now),
            Q(confirmation_required=False) | Q(confirmed_at__isnull=False),
        )

    def proved(self) -> Self:
        """Return the keys whose private half their client has proved to hold, whatever their state.

        A key is confirmed as soon as it is used. Those used before that was so count too.
        """
        redeemed = apps.get_model("registry", "RedeemedAssertion").objects
        used = Exists(redeemed.filter(key=OuterRef("pk")))
        return self.filter(Q(confirmed_at__isnull=False) | used)

    def with_last_used(self) -> Self:
        """Return the keys with `last_used_at`: when an assertion of each was last accepted here.

        None for a key that never was. One step in the index `redeemed_of_key` for each key.
        """
        redeemed = apps.get_model("registry", "RedeemedAssertion").objects
        newest = redeemed.filter(key=OuterRef("pk")).order_by("-id").values("at")[:1]
        return self.annotate(last_used_at=Subquery(newest))
