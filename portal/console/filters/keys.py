"""Filters of keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet

from portal.console.filters.base import ListFilter, day_field, midnight
from portal.console.search import MAX_QUERY, to_key_filter
from portal.core.algorithms import ALGORITHMS
from portal.core.lifecycle import KeyStatus
from portal.registry.models import LEGACY_ALGORITHMS, ClientKey
from portal.registry.paging import IndexFilter

_ANY: Final = ("", "Any")


class KeyFilter(ListFilter[ClientKey]):
    """Keys of all clients."""

    tab = "keys"

    q = forms.CharField(label="Find a key", required=False, max_length=MAX_QUERY)
    status = forms.ChoiceField(
        required=False,
        choices=[
            _ANY,
            ("live", "Live (active or retiring)"),
            *((each.value, each.label) for each in KeyStatus),
        ],
    )
    alg = forms.ChoiceField(
        label="Algorithm", required=False, choices=[_ANY, *((name, name) for name in ALGORITHMS)]
    )
    age = forms.ChoiceField(
        label="Registered",
        required=False,
        choices=[
            ("", "Any time"),
            ("week", "In the last 7 days"),
            ("month", "In the last 30 days"),
            ("old", "More than 1 year ago"),
        ],
    )
    registered_from = day_field("Registered from")
    registered_to = day_field("Registered until")
    expiring = forms.BooleanField(required=False)
    legacy = forms.BooleanField(label="Legacy algorithms only", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = settings.KEY_EXPIRY_WARNING.days
        self.fields["expiring"].label = f"Expires within {days} days"

    @property
    def order(self) -> tuple[str, ...]:
        """By date when a date filter is set, else by primary key: same order, other index."""
        asked = self.cleaned_data
        dated = asked["age"] or asked["registered_from"] or asked["registered_to"]
        # Legacy keys are few and have their own index.
        return ("registered_at", "pk") if dated and not asked["legacy"] else ("pk",)

    @property
    def index_filter(self) -> IndexFilter | None:
        """The algorithm, unless the rows are ordered by date."""
        alg = self.cleaned_data["alg"]
        return IndexFilter("alg", [alg]) if alg and self.order == ("pk",) else None

    def rows(self, now: datetime) -> QuerySet[ClientKey]:
        """Return the keys, with their clients loaded."""
        keys = ClientKey.objects.prefetch_related("client").defer("pem", "jwk").with_last_used()
        asked = self.cleaned_data
        if asked["q"]:
            keys = keys.filter(to_key_filter(asked["q"]))
        if asked["status"] == "live":
            keys = keys.live(now)
        elif asked["status"]:
            keys = keys.in_status(KeyStatus(asked["status"]), now)
        if asked["alg"] and not self.index_filter:
            keys = keys.filter(alg=asked["alg"])
        if asked["legacy"]:
            keys = keys.filter(alg__in=LEGACY_ALGORITHMS)
        if asked["expiring"]:
            soon = now + settings.KEY_EXPIRY_WARNING
            keys = keys.current(now).filter(expires_at__gt=now, expires_at__lte=soon)
        if asked["age"]:
            keys = keys.filter(_AGES[asked["age"]](now))
        if asked["registered_from"]:
            keys = keys.filter(registered_at__gte=midnight(asked["registered_from"]))
        if asked["registered_to"]:
            end = midnight(asked["registered_to"]) + timedelta(days=1)
            keys = keys.filter(registered_at__lt=end)
        return keys


_AGES: Final = {
    "week": lambda now: Q(registered_at__gte=now - timedelta(days=7)),
    "month": lambda now: Q(registered_at__gte=now - timedelta(days=30)),
    "old": lambda now: Q(registered_at__lt=now - timedelta(days=365)),
}
