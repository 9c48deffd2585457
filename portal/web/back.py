"""The list that an action returns to, as it was filtered, sorted and paged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

_MAX: Final = 2000
"""The maximum length of the query, in characters."""


@dataclass(frozen=True, slots=True)
class Back:
    """The way back to a list: its URL, and the list's query for a form field."""

    url: str
    query: str

    @property
    def as_query(self) -> str:
        """The query string for a link that leads to another action of the same list."""
        return f"?{urlencode({'back': self.query})}" if self.query else ""


def back_to(request: HttpRequest, name: str, *args: object) -> Back:
    """Return the way back to the list with this URL name, for any text in the parameter `back`."""
    sent = request.POST if request.method == "POST" else request.GET
    query = QueryDict(str(sent.get("back", ""))[:_MAX]).urlencode()
    return Back(reverse(name, args=args) + (f"?{query}" if query else ""), query)
