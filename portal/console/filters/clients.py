"""Filters of clients."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.db.models import Exists, OuterRef, QuerySet

from portal.console.filters.base import ListFilter
from portal.console.search import MAX_QUERY, to_client_filter
from portal.registry.models import Client, ClientKey
from portal.registry.models.client import WITH_MORE


class ClientFilter(ListFilter[Client]):
    """All clients."""

    tab = "clients"

    q = forms.CharField(label="Name or client_id", required=False, max_length=MAX_QUERY)
    only = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[
            ("", "All clients"),
            ("suspended", "Suspended"),
            ("keyless", "No live key"),
            ("ownerless", "No owner"),
            ("more", "Extra rights"),
        ],
    )

    def rows(self, now: datetime) -> QuerySet[Client]:
        """Return the clients that match."""
        clients = Client.objects.all()
        asked = self.cleaned_data
        if asked["q"]:
            clients = clients.filter(to_client_filter(asked["q"]))
        if asked["only"] == "suspended":
            clients = clients.filter(suspended_at__isnull=False)
        if asked["only"] == "more":
            clients = clients.filter(WITH_MORE)
        if asked["only"] == "keyless":
            live = ClientKey.objects.live(now).filter(client=OuterRef("pk"))
            clients = clients.filter(~Exists(live))
        if asked["only"] == "ownerless":
            clients = clients.without_owner()
        return clients
