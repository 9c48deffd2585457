"""Filters of events."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.console.event_text import with_named
from portal.console.filters.base import (
    ListFilter,
    clients_with,
    day_field,
    ids_of,
    of_days,
    person_with,
)
from portal.console.search import MAX_QUERY, fingerprint_in
from portal.registry.choices import Verb
from portal.registry.models import ClientKey, Event
from portal.registry.paging import IndexFilter


class EventFilter(ListFilter[Event]):
    """All events."""

    tab = "events"
    noun = "event"

    verb = forms.ChoiceField(
        label="What",
        required=False,
        choices=[("", "Everything"), *((verb, verb.label.capitalize()) for verb in Verb)],
    )
    client = forms.CharField(
        label="Client", required=False, max_length=MAX_QUERY, help_text="Name or client_id"
    )
    key = forms.CharField(
        label="Key",
        required=False,
        max_length=MAX_QUERY,
        help_text="kid (or its first characters) or SHA-256",
    )
    person = forms.CharField(
        label="Who", required=False, max_length=254, help_text="E-mail address"
    )
    since = day_field("From")
    until = day_field("Up to")

    def clean_client(self) -> list[int] | None:
        """Return the ids of the clients that the text names, or None for all."""
        return clients_with(self.cleaned_data["client"])

    def clean_key(self) -> list[int] | None:
        """Return the ids of the keys that the text names, or None for all."""
        term = self.cleaned_data["key"]
        if not term:
            return None
        sha256 = fingerprint_in(term)
        wanted = Q(spki_sha256=sha256) if sha256 else Q(kid__startswith=term)
        return ids_of(ClientKey.objects.filter(wanted), "keys")

    def clean_person(self) -> User | None:
        """Return the user that the text names, or None for all."""
        return person_with(self.cleaned_data["person"])

    @property
    def index_filter(self) -> IndexFilter | None:
        """The filter that matches the fewest events."""
        asked = self.cleaned_data
        if asked["key"] is not None:
            return IndexFilter("key", asked["key"])
        if asked["client"] is not None:
            return IndexFilter("client", asked["client"])
        if asked["person"] is not None:
            return IndexFilter("actor_user", [asked["person"].pk])
        return IndexFilter("verb", [asked["verb"]]) if asked["verb"] else None

    def candidates(self, now: datetime) -> QuerySet[Event]:  # noqa: ARG002 - events do not change with time
        """Return the events of the dates."""
        return of_days(Event.objects.all(), self.cleaned_data["since"], self.cleaned_data["until"])

    def narrow(self, candidates: QuerySet[Event], now: datetime) -> QuerySet[Event]:  # noqa: ARG002
        """Return the events of the verb, the clients and the person."""
        events, asked = candidates, self.cleaned_data
        led = self.index_filter.field if self.index_filter else ""
        if asked["verb"] and led != "verb":
            events = events.filter(verb=asked["verb"])
        if asked["client"] is not None and led != "client":
            events = events.filter(client__in=asked["client"])
        if asked["person"] is not None and led != "actor_user":
            events = events.filter(actor_user=asked["person"])
        return events

    def with_related(self, rows: QuerySet[Event]) -> QuerySet[Event]:
        """Return the events with actor, client and key."""
        return with_named(rows)
