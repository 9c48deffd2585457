"""Which rows somebody may see and which keys are live, asked of the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Least

from portal.core.lifecycle import OVER, KeyStatus
from portal.registry.choices import Role
from portal.registry.paging import newest_of

if TYPE_CHECKING:
    from portal.accounts.models import User
    from portal.registry.models import Client, ClientKey  # noqa: F401 - named in strings


_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
ENDS: Final = Least(
    *(Coalesce(date, _NEVER) for date in ("expires_at", "retires_at", "revoked_at"))
)
"""When a key is over, or will be, as far as is known: an index finds by it those that are not."""


class ClientQuerySet(models.QuerySet["Client"]):
    """Clients."""

    def visible_to(self, user: User) -> Self:
        """Return the clients that the person may see: an admin all, others those they belong to."""
        if user.is_staff:
            return self
        return self.filter(memberships__user=user)

    def without_owner(self) -> Self:
        """Return the clients that no owner who can sign in looks after."""
        memberships = apps.get_model("registry", "Membership").objects
        owners = memberships.filter(client=OuterRef("pk"), role=Role.OWNER, user__is_active=True)
        return self.filter(~Exists(owners))


def _conditions(now: datetime) -> dict[KeyStatus, Q]:
    """Return `Lifecycle.status` for the database: the first condition that holds decides."""
    return {
        KeyStatus.REVOKED: Q(revoked_at__isnull=False),
        KeyStatus.RETIRED: Q(retires_at__lte=now),
        KeyStatus.EXPIRED: Q(expires_at__lte=now),
        KeyStatus.UNCONFIRMED: Q(confirmation_required=True, confirmed_at=None),
        KeyStatus.PENDING: Q(not_before__gt=now),
        KeyStatus.RETIRING: Q(retires_at__gt=now),
        KeyStatus.ACTIVE: Q(),
    }


class ClientKeyQuerySet(models.QuerySet["ClientKey"]):
    """Keys."""

    def in_status(self, status: KeyStatus, now: datetime) -> Self:
        """Return the keys whose `Lifecycle.status` is this one at `now`."""
        conditions = _conditions(now)
        order = list(conditions)
        earlier = order[: order.index(status)]
        keys = self if status in OVER else self.current(now)
        return keys.filter(conditions[status], *(~conditions[each] for each in earlier))

    def current(self, now: datetime) -> Self:
        """Return the keys that are not over at `now`: they count against the client's limit."""
        is_ = _conditions(now)
        return self.alias(ends=ENDS).filter(
            ~is_[KeyStatus.REVOKED],
            ~is_[KeyStatus.RETIRED],
            ~is_[KeyStatus.EXPIRED],
            # Adds nothing, but makes the database use the index `key_of_client_by_end`.
            ends__gt=now,
        )

    def live(self, now: datetime) -> Self:
        """Return the keys whose `Lifecycle.is_live` is true at `now`."""
        is_ = _conditions(now)
        return self.current(now).filter(~is_[KeyStatus.UNCONFIRMED], ~is_[KeyStatus.PENDING])

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
        redeemed = apps.get_model("registry", "RedeemedAssertion").objects.all()
        newest = newest_of(redeemed, "key", OuterRef("pk")).values("at")[:1]
        return self.annotate(last_used_at=Subquery(newest))
