"""The pages of a list: the requested one, and the links to the others."""

from __future__ import annotations

from typing import Any, TypedDict
from urllib.parse import urlencode

from django import forms
from django.db.models import BigIntegerField
from django.http import HttpRequest

from portal.registry.paging import Page


class PlaceForm(forms.Form):
    """The query parameters of a list: the primary key of the row next to the page."""

    before = forms.IntegerField(required=False, min_value=1, max_value=BigIntegerField.MAX_BIGINT)
    after = forms.IntegerField(required=False, min_value=1, max_value=BigIntegerField.MAX_BIGINT)


class Place(TypedDict):
    """A place in a list, as `page_of` takes it: a row's primary key, or None."""

    before: int | None
    after: int | None


def place_of(request: HttpRequest, prefix: str = "") -> Place:
    """Return the requested place in a list. Anything invalid is the first page.

    A second list on a page has a `prefix` for the names of its parameters.
    """
    form = PlaceForm(request.GET, prefix=prefix)
    if not form.is_valid():
        return Place(before=None, after=None)
    return Place(before=form.cleaned_data["before"], after=form.cleaned_data["after"])


def pager_of(
    request: HttpRequest, page: Page[Any], *, prefix: str = "", **filters: str
) -> dict[str, Any]:
    """Return the context for `partials/pager.html`. `filters` are kept in its links.

    For `prefix` see `place_of`.
    """
    start = f"{prefix}-" if prefix else ""
    kept = {name: value for name, value in filters.items() if value}
    place = {f"{start}{name}": pk for name, pk in place_of(request, prefix).items() if pk}
    here = urlencode({**kept, **place})
    return {
        "page": page,
        "filters": urlencode(kept),
        "back": f"?{urlencode({'back': here})}" if here else "",
        "here": here,
        "older": urlencode({**kept, f"{start}before": page.before}) if page.before else "",
        "newer": urlencode({**kept, f"{start}after": page.after}) if page.after else "",
        "is_first": not place,
    }
