"""The filter of a client's token requests, and what its list shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms

from portal.core.assertion import Explanation
from portal.registry.models import Client
from portal.registry.paging import Page
from portal.registry.token_requests import (
    Cursor,
    RequestOutcome,
    TokenRequest,
    latest_token_request,
    token_requests,
)
from portal.web.explanations import explanation_of

PAGE_SIZE: Final = 50
_NEWS: Final = timedelta(days=1)
_CUT: Final = r"^[0-9]{1,18}\.[0-9]{1,18}\Z"


class CursorField(forms.RegexField):
    """The position of a page in the list: the two numbers of a `Cursor`."""

    def __init__(self) -> None:
        super().__init__(_CUT, required=False)

    def clean(self, value: Any) -> Any:
        """Return the cursor, or None."""
        text = super().clean(value)
        return Cursor(*map(int, text.split("."))) if text else None


class TokenRequestFilter(forms.Form):
    """The query parameters of the list."""

    only = forms.TypedChoiceField(
        required=False,
        choices=[(each.value, each.value) for each in RequestOutcome],
        coerce=RequestOutcome,
        empty_value=None,
    )
    before = CursorField()
    after = CursorField()

    def page(self, client: Client) -> Page[TokenRequest]:
        """Return the requested page. The form must be valid."""
        return token_requests(client, size=PAGE_SIZE, **self.cleaned_data)

    def query(self, **cursor: Cursor | None) -> str:
        """Return the filter as the query of a URL, with the cursor if there is one."""
        kept = {"only": self.cleaned_data["only"] or ""}
        places = {
            name: f"{place.refused}.{place.accepted}" for name, place in cursor.items() if place
        }
        if cursor and not places:
            return ""
        return urlencode({name: value for name, value in (kept | places).items() if value})


def with_explanations(
    requests: list[TokenRequest],
) -> list[tuple[TokenRequest, Explanation | None]]:
    """Return each request with the explanation of its reason; None for an accepted request."""
    return [(each, explanation_of(each.reason) if each.is_refused else None) for each in requests]


@dataclass(frozen=True, slots=True)
class LatestRequests:
    """What the Settings page shows of a client's token requests.

    `refusal` is the newest request, if it was refused within the last day. `sign_in` is the newest
    accepted request.
    """

    refusal: tuple[TokenRequest, Explanation] | None
    sign_in: TokenRequest | None


def latest_requests(client: Client, now: datetime) -> LatestRequests:
    """Return the client's newest requests."""
    refused = latest_token_request(client, RequestOutcome.REFUSED)
    accepted = latest_token_request(client, RequestOutcome.ACCEPTED)
    if refused and (refused.at < now - _NEWS or (accepted and accepted.at > refused.at)):
        refused = None
    news = (refused, explanation_of(refused.reason)) if refused else None
    return LatestRequests(news, accepted)
