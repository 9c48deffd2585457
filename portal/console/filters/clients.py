"""Filters of clients."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.console.filters.base import ListFilter
from portal.console.search import MAX_QUERY, Search, search_clients
from portal.registry.models import Client, ClientKey
from portal.registry.models.client import WITH_MORE, active_owners


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
            ("ownerless", "No active owner"),
            ("more", "Extra rights"),
        ],
    )

    @cached_property
    def _search(self) -> Search:
        query = self.cleaned_data["q"]
        return search_clients(query) if query else Search(Q())

    def candidates(self, now: datetime) -> QuerySet[Client]:  # noqa: ARG002 - no index depends on it
        """Return the clients that the text names, if they are few, in a status with an index."""
        only = self.cleaned_data["only"]
        clients = Client.objects.archived() if only == "archived" else Client.objects.in_use()
        if self._search.is_indexed:
            clients = clients.filter(self._search.condition)
        if only == "suspended":
            clients = clients.filter(suspended_at__isnull=False)
        if only == "more":
            clients = clients.filter(WITH_MORE)
        return clients

    def narrow(self, candidates: QuerySet[Client], now: datetime) -> QuerySet[Client]:
        """Return the clients without a live key, or without an active owner."""
        clients, only = candidates, self.cleaned_data["only"]
        if not self._search.is_indexed:
            clients = clients.filter(self._search.condition)
        if only == "keyless":
            live = ClientKey.objects.live(now).filter(client=OuterRef("pk"))
            clients = clients.filter(~Exists(live))
        if only == "ownerless":
            clients = clients.filter(~Exists(active_owners().filter(client=OuterRef("pk"))))
        return clients
