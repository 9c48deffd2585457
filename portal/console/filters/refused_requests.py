"""Filters of refused token requests."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.db.models import Q, QuerySet

from portal.console.filters.base import ListFilter
from portal.registry.models import RefusedRequest


class RefusedRequestFilter(ListFilter[RefusedRequest]):
    """Refused token requests of all clients, and of unknown clients."""

    tab = "refused"

    q = forms.RegexField(
        r"^[a-z2-7]{16}\Z",
        label="Reference",
        required=False,
        error_messages={
            "invalid": "A reference has 16 characters: letters a to z and digits 2 to 7."
        },
    )

    def rows(self, now: datetime) -> QuerySet[RefusedRequest]:  # noqa: ARG002 - never changes
        """Return the requests, with client and key loaded."""
        wanted = Q(reference=self.cleaned_data["q"]) if self.cleaned_data["q"] else Q()
        return (
            RefusedRequest.objects.filter(wanted)
            .select_related("client", "key")
            .defer("key__pem", "key__jwk")
        )
