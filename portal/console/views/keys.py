"""The keys of all clients, with a search."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import push_url, trigger_client_event

from portal.console.decorators import AdminRequest, admin_view
from portal.console.export import KEYS
from portal.console.filters import KeyFilter
from portal.console.search import read_search
from portal.console.views.export import export_of
from portal.core.key_files import files_made_at
from portal.core.reasons import NOT_SHOWN_AGAIN, Refused
from portal.web.render import show, wants_fragment


@admin_view("GET", "HEAD", "POST")
def keys(request: AdminRequest) -> HttpResponse:
    """List keys (GET), or search (POST, as the query may be a pasted key)."""
    return _search(request) if request.method == "POST" else _list(request, request.GET)


@admin_view("GET", "HEAD")
def export(request: AdminRequest) -> HttpResponseBase:
    """Stream the keys that match the filters."""
    return export_of(request, KEYS, keys)


def _search(request: AdminRequest) -> HttpResponse:
    """Convert the query to a URL without key material, and show that list."""
    asked, refused = read_search(request)
    if refused:
        return _list(request, asked, refused=refused)
    form = KeyFilter(asked)
    if not form.is_valid():
        return _list(request, asked)
    address = f"{reverse('console_keys')}?{form.query()}"
    if not wants_fragment(request):
        return redirect(address)
    return push_url(_list(request, asked), address)


def _list(
    request: AdminRequest, asked: QueryDict, *, refused: Refused | None = None
) -> HttpResponse:
    now = timezone.now()
    form = KeyFilter(asked)
    page = None if refused else form.page(now)
    revocable = [key.pk for key in page.rows if not key.revoked_at] if page else []
    listing = form.listing(page, now)
    context = listing | {
        "refused": refused,
        "table": KEYS,
        "files": files_made_at(now),
        "now": now,
        "revocable": urlencode({"key": revocable, "back": listing["here"]}, doseq=True),
        "revocable_number": len(revocable),
    }
    status = 422 if page is None else 200
    response = show(request, "console/keys.html", context, fragment="found", status=status)
    if refused and refused.reason in NOT_SHOWN_AGAIN:
        # The browser clears the field too.
        trigger_client_event(response, "console:forget")
    return response
