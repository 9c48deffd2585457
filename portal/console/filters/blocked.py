"""Filters of blocked keys."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.db.models import QuerySet

from portal.console.filters.base import ListFilter
from portal.console.search import MAX_QUERY
from portal.registry.models import BlockedKey


class BlockedFilter(ListFilter[BlockedKey]):
    """Blocked keys."""

    tab = "blocked"
    noun = "blocked key"
    q = forms.CharField(label="SHA-256", required=False, max_length=MAX_QUERY)
    before = forms.RegexField(r"^[0-9a-f]{64}\Z", required=False, widget=forms.HiddenInput)  # type: ignore[assignment]
    after = forms.RegexField(r"^[0-9a-f]{64}\Z", required=False, widget=forms.HiddenInput)  # type: ignore[assignment]

    @property
    def order(self) -> tuple[str, ...]:
        """By date; by SHA-256 when the query is the beginning of one."""
        return ("-pk",) if self.cleaned_data["q"] else ("-blocked_at", "-pk")

    def candidates(self, now: datetime) -> QuerySet[BlockedKey]:  # noqa: ARG002 - a block is permanent
        """Return the blocked keys."""
        blocked = BlockedKey.objects.all()
        if start := self.cleaned_data["q"].replace(":", "").lower():
            # A range uses the index that also sorts. All hexadecimal digits sort before "g".
            blocked = blocked.filter(pk__gte=start, pk__lt=f"{start}g")
        return blocked

    def with_related(self, rows: QuerySet[BlockedKey]) -> QuerySet[BlockedKey]:
        """Return the keys with the users who blocked them."""
        return rows.select_related(*BlockedKey.blocked_by.related)
