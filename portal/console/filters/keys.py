"""Filters of keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, TypeAlias, cast

from django import forms
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts.models import User
from portal.console.filters.base import ListFilter, day_field, midnight, person_with
from portal.console.search import MAX_QUERY, Search, few, search_keys
from portal.core.algorithms import ALGORITHMS
from portal.core.lifecycle import OVER, KeyStatus
from portal.registry.models import LEGACY_ALGORITHMS, ClientKey, PolicyRule
from portal.registry.models.client import active_owners
from portal.registry.models.client_key import ENDS, ClientKeyQuerySet
from portal.registry.models.policy_rule import MAX_RULES
from portal.registry.paging import IndexFilter
from portal.registry.policy_rules import keys_outside
from portal.registry.successors import keys_ending, without_successor

Keys: TypeAlias = ClientKeyQuerySet

_ANY: Final = ("", "Any")
_FOLDED: Final = (
    "registered_from",
    "registered_to",
    "registered_by",
    "unused",
    "size",
    "legacy",
    "ownerless",
    "outside",
    "unproved",
    "no_successor",
)


class KeyFilter(ListFilter[ClientKey]):
    """Keys of all clients."""

    tab = "keys"
    noun = "key"

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
    registered_by = forms.CharField(
        label="Registered by", required=False, max_length=254, help_text="E-mail address"
    )
    size = forms.ChoiceField(
        required=False,
        choices=[
            _ANY,
            ("under-3072", "RSA under 3072 bits"),
            ("under-4096", "RSA under 4096 bits"),
            ("from-4096", "RSA of 4096 bits or more"),
        ],
    )
    unused = forms.IntegerField(
        label="Not used for (days)",
        required=False,
        min_value=1,
        max_value=3650,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    expiring = forms.BooleanField(required=False)
    legacy = forms.BooleanField(label="Legacy algorithms only", required=False)
    never_used = forms.BooleanField(label="Never used", required=False)
    ownerless = forms.BooleanField(label="Client has no active owner", required=False)
    unproved = forms.BooleanField(label="Never confirmed, and not ended", required=False)
    no_successor = forms.BooleanField(required=False)
    outside = forms.ChoiceField(label="Outside the rule", required=False)
    sort = forms.ChoiceField(
        label="Order",
        required=False,
        choices=[("", "Newest first"), ("expiry", "Expiry, soonest first")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = settings.KEY_EXPIRY_WARNING.days
        self.fields["expiring"].label = f"Expires within {days} days"
        self.fields["no_successor"].label = f"Ends within {days} days, without a successor"
        outside = self.fields["outside"]
        if isinstance(outside, forms.ChoiceField):
            # Read only for a page, or for a filter that names one.
            outside.choices = self._rule_choices

    @cached_property
    def _rules(self) -> dict[str, PolicyRule]:
        rules = PolicyRule.objects.filter(ended_at=None).order_by("-pk")[: 2 * MAX_RULES]
        return {str(rule.pk): rule for rule in rules}

    def _rule_choices(self) -> list[tuple[str, str]]:
        return [_ANY, *((pk, _named(rule)) for pk, rule in self._rules.items())]

    @property
    def uses_more(self) -> bool:
        """Whether a filter is set that the page folds."""
        return any(self[name].value() for name in _FOLDED)

    def clean_registered_by(self) -> User | None:
        """Return the user that the text names, or None for all."""
        return person_with(self.cleaned_data["registered_by"])

    @property
    def by_expiry(self) -> bool:
        """Whether the list has the keys that expire, soonest first."""
        return bool(self.cleaned_data["expiring"] or self.cleaned_data["sort"]) and not self.by_end

    @property
    def by_end(self) -> bool:
        """Whether the list has the keys that end, by either of their dates, soonest first."""
        return bool(self.cleaned_data["no_successor"])

    @property
    def order(self) -> tuple[str, ...]:
        """By a date that ends keys, by that of registration, or by primary key.

        The last two are the same order, with another index.
        """
        asked = self.cleaned_data
        if self.by_expiry:
            return ("expires_at", "pk")
        if self.by_end:
            return ("ends", "pk")
        dated = asked["age"] or asked["registered_from"] or asked["registered_to"]
        dated = dated or asked["unused"]
        return ("-registered_at", "-pk") if dated or asked["legacy"] else ("-pk",)

    @property
    def pager_labels(self) -> tuple[str, str, str]:  # type: ignore[override]
        """The links to the first, the previous and the next page."""
        dated = self.by_expiry or self.by_end
        return ("First", "Sooner", "Later") if dated else super().pager_labels

    @property
    def anchors(self) -> QuerySet[ClientKey] | None:
        """The keys with their ends, if the list is in the order of these."""
        return ClientKey.objects.annotate(ends=ENDS) if self.by_end else None

    @property
    def index_filter(self) -> IndexFilter | None:
        """The client, the person or the algorithm, if the rows are ordered by primary key."""
        asked = self.cleaned_data
        if self.order != ("-pk",):
            return None
        if self._search.index_filter:
            return self._search.index_filter
        if asked["registered_by"]:
            return IndexFilter("registered_by", [asked["registered_by"].pk])
        # An alternative to the primary keys that a search has found.
        return IndexFilter("alg", [asked["alg"]]) if asked["alg"] and not asked["q"] else None

    @cached_property
    def _search(self) -> Search:
        query = self.cleaned_data["q"]
        return search_keys(query) if query else Search(Q(), is_indexed=False)

    def candidates(self, now: datetime) -> QuerySet[ClientKey]:
        """Return the keys that the most selective index finds, in the list's order."""
        keys, asked = ClientKey.objects.all(), self.cleaned_data
        if self.by_end:
            keys = keys_ending((now, now + settings.KEY_EXPIRY_WARNING)).annotate(ends=ENDS)
        if self._search.is_indexed:
            return keys.filter(_condition(self._search, self.index_filter))
        if self.by_end:
            return keys
        if self.by_expiry:
            return self._expiring(keys, now)
        keys = keys.filter(*self._dates(now))
        if asked["legacy"]:
            keys = keys.filter(alg__in=LEGACY_ALGORITHMS)
        if asked["unproved"]:
            keys = keys.filter(confirmed_at=None, revoked_at=None)
        if self.index_filter or self.order != ("-pk",):
            return keys
        return _of_rare_status(keys, asked["status"], now)

    def narrow(self, candidates: QuerySet[ClientKey], now: datetime) -> QuerySet[ClientKey]:
        """Return the keys that match all filters.

        No condition is written twice: PostgreSQL would expect it to leave out rows twice.
        """
        if not self.narrows:
            return candidates
        asked, led = self.cleaned_data, self.index_filter
        keys = cast("ClientKeyQuerySet", candidates)
        if self._search.is_indexed or self.by_expiry or self.by_end:
            keys = keys.filter(*self._dates(now))
            if asked["legacy"]:
                keys = keys.filter(alg__in=LEGACY_ALGORITHMS)
        if not self._search.is_indexed:
            keys = keys.filter(self._search.condition)
        if asked["status"] == "live":
            keys = keys.live(now)
        elif asked["status"]:
            keys = keys.in_status(KeyStatus(asked["status"]), now)
        if asked["alg"] and not (led and led.field == "alg"):
            keys = keys.filter(alg=asked["alg"])
        if asked["registered_by"] and not (led and led.field == "registered_by"):
            keys = keys.filter(registered_by=asked["registered_by"])
        if asked["size"]:
            keys = keys.filter(_SIZES[asked["size"]], kty="RSA")
        if asked["expiring"]:
            keys = self._expiring(keys.current(now), now)
        elif self.by_expiry and self._search.is_indexed:
            keys = self._expiring(keys, now)
        return self._narrow_by_other_rows(keys, now)

    def _narrow_by_other_rows(self, keys: Keys, now: datetime) -> Keys:
        """Return the keys that match the filters which look at other keys or tables."""
        asked = self.cleaned_data
        if asked["never_used"]:
            keys = keys.never_used()
        if asked["unused"]:
            keys = keys.unused_since(now - timedelta(days=asked["unused"]))
        if asked["unproved"]:
            keys = keys.current(now).filter(confirmed_at=None)
        if asked["no_successor"]:
            keys = without_successor(keys.current(now), now)
        if asked["outside"]:
            keys = keys_outside(self._rules[asked["outside"]], keys, now)
        if asked["ownerless"]:
            keys = keys.filter(~Exists(active_owners().filter(client=OuterRef("client"))))
        return keys

    def with_related(self, rows: QuerySet[ClientKey]) -> QuerySet[ClientKey]:
        """Return the keys with their clients, and when each was last used."""
        keys = cast("ClientKeyQuerySet", rows)
        if self.by_end:
            keys = keys.annotate(ends=ENDS)
        return keys.prefetch_related("client").defer("pem", "jwk").with_last_used()

    def _expiring(self, keys: Keys, now: datetime) -> Keys:
        keys = keys.filter(expires_at__isnull=False)
        if self.cleaned_data["expiring"]:
            keys = keys.filter(expires_at__lte=now + settings.KEY_EXPIRY_WARNING)
        if self.cleaned_data["expiring"] or self.cleaned_data["status"] not in OVER:
            keys = keys.filter(expires_at__gt=now)
        return keys

    def _dates(self, now: datetime) -> list[Q]:
        asked, dates = self.cleaned_data, []
        if asked["age"]:
            dates.append(_AGES[asked["age"]](now))
        if asked["unused"]:
            # An unused key is at least so old: the list begins there.
            dates.append(Q(registered_at__lt=now - timedelta(days=asked["unused"])))
        if asked["registered_from"]:
            dates.append(Q(registered_at__gte=midnight(asked["registered_from"])))
        if asked["registered_to"]:
            end = midnight(asked["registered_to"]) + timedelta(days=1)
            dates.append(Q(registered_at__lt=end))
        return dates


def _named(rule: PolicyRule) -> str:
    return f"{rule.name} (not saved)" if rule.is_draft else rule.name


def _condition(search: Search, led: IndexFilter | None) -> Q:
    """Return the condition for what the search finds, unless the list's index filter finds it."""
    if search.index_filter and search.index_filter != led:
        return Q((f"{search.index_filter.field}__in", search.index_filter.values))
    return search.condition


def _of_rare_status(keys: Keys, status: str, now: datetime) -> Keys:
    """Return the keys whose dates allow the status, if an index finds them; else all."""
    if status == KeyStatus.REVOKED:
        return keys.filter(revoked_at__isnull=False)
    if status == KeyStatus.UNCONFIRMED:
        return keys.filter(confirmation_required=True, confirmed_at=None)
    dated = _dated(now).get(status)
    if dated is None:
        return keys
    order, condition = dated
    # Their index has another order, so it serves only a few keys.
    ids = few(ClientKey.objects.filter(condition).order_by(order))
    return keys if ids is None else keys.filter(pk__in=ids)


def _dated(now: datetime) -> dict[str, tuple[str, Q]]:
    return {
        KeyStatus.PENDING: ("not_before", Q(not_before__gt=now)),
        KeyStatus.RETIRING: ("retires_at", Q(retires_at__gt=now)),
        KeyStatus.RETIRED: ("-retires_at", Q(retires_at__lte=now)),
        KeyStatus.EXPIRED: ("-expires_at", Q(expires_at__lte=now)),
    }


_SIZES: Final = {
    "under-3072": Q(bits__lt=3072),
    "under-4096": Q(bits__lt=4096),
    "from-4096": Q(bits__gte=4096),
}
_AGES: Final = {
    "week": lambda now: Q(registered_at__gte=now - timedelta(days=7)),
    "month": lambda now: Q(registered_at__gte=now - timedelta(days=30)),
    "old": lambda now: Q(registered_at__lt=now - timedelta(days=365)),
}
