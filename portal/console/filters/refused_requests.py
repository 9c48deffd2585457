"""Filters of refused token requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Prefetch, QuerySet

from portal.console.filters.base import ListFilter, clients_with, day_field, of_days
from portal.console.search import MAX_QUERY
from portal.registry.models import ClientKey, RefusedRequest
from portal.registry.paging import IndexFilter
from portal.web.explanations import explained_reasons


class RefusedRequestFilter(ListFilter[RefusedRequest]):
    """Refused token requests of all clients, and of unknown clients."""

    tab = "refused"
    noun = "refused request"

    q = forms.RegexField(
        r"^[a-z2-7]{16}\Z",
        label="Reference",
        required=False,
        help_text="From the token endpoint",
        error_messages={
            "invalid": "A reference has 16 characters: letters a to z and digits 2 to 7."
        },
    )

    client = forms.CharField(
        label="Client", required=False, max_length=MAX_QUERY, help_text="Name or client_id"
    )
    reason = forms.ChoiceField(label="Reason", required=False)
    since = day_field("From")
    until = day_field("Up to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields["reason"]
        if isinstance(reason, forms.ChoiceField):
            reason.choices = [("", "Any"), *explained_reasons()]

    def clean_client(self) -> list[int] | None:
        """Return the ids of the clients that the text names, or None for all."""
        return clients_with(self.cleaned_data["client"])

    @property
    def index_filter(self) -> IndexFilter | None:
        """The client, or the reason."""
        asked = self.cleaned_data
        if asked["client"] is not None:
            return IndexFilter("client", asked["client"])
        return IndexFilter("reason", [asked["reason"]]) if asked["reason"] else None

    def candidates(self, now: datetime) -> QuerySet[RefusedRequest]:  # noqa: ARG002 - never changes
        """Return the requests of the dates, or the one with the reference."""
        requests, asked = RefusedRequest.objects.all(), self.cleaned_data
        if asked["q"]:
            requests = requests.filter(reference=asked["q"])
        return of_days(requests, asked["since"], asked["until"])

    def narrow(
        self,
        candidates: QuerySet[RefusedRequest],
        now: datetime,  # noqa: ARG002
    ) -> QuerySet[RefusedRequest]:
        """Return the requests that were refused for the reason."""
        asked, led = self.cleaned_data, self.index_filter
        if asked["reason"] and led and led.field != "reason":
            return candidates.filter(reason=asked["reason"])
        return candidates

    def with_related(self, rows: QuerySet[RefusedRequest]) -> QuerySet[RefusedRequest]:
        """Return the requests with client and key."""
        key = Prefetch("key", ClientKey.objects.defer("pem", "jwk"))
        return rows.prefetch_related("client", key)
