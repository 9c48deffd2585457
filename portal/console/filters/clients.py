"""Filters of clients."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from portal.console.filters.base import ListFilter
from portal.console.search import MAX_QUERY, Search, search_clients
from portal.registry.models import Client, ClientKey, RedeemedAssertion, RefusedRequest
from portal.registry.models.client import WITH_MORE, active_owners
from portal.registry.paging import SCAN, newest_of

_FAILING_WITHIN: Final = timedelta(days=1)
"""For how long a client counts as failing whose last request was refused."""


class ClientFilter(ListFilter[Client]):
    """All clients."""

    tab = "clients"
    noun = "client"

    q = forms.CharField(label="Name or client_id", required=False, max_length=MAX_QUERY)
    only = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[
            ("", "All but archived"),
            ("suspended", "Suspended"),
            ("archived", "Archived"),
            ("keyless", "No live key"),
            ("failing", "Last request refused, today"),
            ("ownerless", "No active owner"),
            ("more", "Extra rights"),
        ],
    )

    @cached_property
    def _search(self) -> Search:
        query = self.cleaned_data["q"]
        return search_clients(query) if query else Search(Q())

    def candidates(self, now: datetime) -> QuerySet[Client]:
        """Return the clients that the text names, if they are few, in a status with an index."""
        only = self.cleaned_data["only"]
        clients = Client.objects.archived() if only == "archived" else Client.objects.in_use()
        if self._search.is_indexed:
            clients = clients.filter(self._search.condition)
        if only == "suspended":
            clients = clients.filter(suspended_at__isnull=False)
        if only == "more":
            clients = clients.filter(WITH_MORE)
        if only == "failing":
            clients = clients.filter(pk__in=_lately_refused(now))
        return clients

    def narrow(self, candidates: QuerySet[Client], now: datetime) -> QuerySet[Client]:
        """Return the clients without a live key, or without an active owner."""
        clients, only = candidates, self.cleaned_data["only"]
        if not self._search.is_indexed:
            clients = clients.filter(self._search.condition)
        if only == "keyless":
            live = ClientKey.objects.live(now).filter(client=OuterRef("pk"))
            clients = clients.filter(~Exists(live))
        if only == "failing":
            clients = clients.alias(
                refused_at=Subquery(_newest(RefusedRequest.objects.all())),
                accepted_at=Subquery(_newest(RedeemedAssertion.objects.all())),
            ).filter(Q(accepted_at=None) | Q(refused_at__gt=F("accepted_at")))
        if only == "ownerless":
            clients = clients.filter(~Exists(active_owners().filter(client=OuterRef("pk"))))
        return clients


def _lately_refused(now: datetime) -> set[int]:
    """Return the clients of the newest `SCAN` requests that were refused within a day."""
    refused = RefusedRequest.objects.filter(at__gt=now - _FAILING_WITHIN).order_by("-at")
    return {pk for pk in refused.values_list("client_id", flat=True)[:SCAN] if pk is not None}


def _newest(rows: QuerySet[Any]) -> QuerySet[Any]:
    return newest_of(rows, "client", OuterRef("pk")).values("at")[:1]
