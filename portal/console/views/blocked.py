"""Public keys that can never be registered."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from portal.console.decorators import AdminRequest, admin_view
from portal.console.filters import BlockedFilter
from portal.console.forms import BlockForm
from portal.console.impact import impact_of
from portal.console.search import as_text, fingerprint_in, read_search
from portal.core.key_files import files_made_at
from portal.core.reasons import Refused
from portal.registry.actions import block_key
from portal.registry.models import BlockedKey, ClientKey
from portal.web.back import back_to
from portal.web.forms import posted
from portal.web.render import show

MAX_SHOWN: Final = 50
"""How many clients with the key the page names. Blocking the key revokes it in all clients."""


@admin_view("GET", "HEAD", "POST")
def blocked(request: AdminRequest) -> HttpResponse:
    """List blocked keys (GET); look up a key that was pasted or named by its SHA-256 (POST)."""
    return _look_up(request) if request.method == "POST" else _list(request, request.GET)


def _look_up(request: AdminRequest) -> HttpResponse:
    asked, refused = read_search(request)
    if refused:
        return _list(request, asked, refused=refused)
    if spki_sha256 := fingerprint_in(as_text(asked, "q")):
        return redirect("console_blocked_key", spki_sha256)
    return _list(request, asked)


def _list(
    request: AdminRequest, asked: QueryDict, *, refused: Refused | None = None
) -> HttpResponse:
    now = timezone.now()
    form = BlockedFilter(asked)
    page = None if refused else form.page(now)
    context = form.listing(page, now) | {"refused": refused, "files": files_made_at(now)}
    return show(request, "console/blocked.html", context, status=422 if page is None else 200)


@admin_view("GET", "HEAD", "POST")
def blocked_key(request: AdminRequest, spki_sha256: str) -> HttpResponse:
    """Show whether the key is blocked and the effects of blocking it (GET), and block it (POST)."""
    now = timezone.now()
    back = back_to(request, "console_blocked")
    rows = ClientKey.objects.filter(spki_sha256=spki_sha256)
    # Live and confirmed keys come first, as there may be many others.
    first = (F("revoked_at").asc(nulls_first=True), F("confirmed_at").asc(nulls_last=True), "pk")
    registered = list(rows.select_related("client").order_by(*first)[:MAX_SHOWN])
    impacts = impact_of(registered, now)
    form = BlockForm(posted(request), impacts=impacts)
    if form.is_valid():
        block_key(spki_sha256, by=request.user, note=form.cleaned_data["note"])
        messages.success(request, "The key is blocked permanently, for every client.")
        here = reverse("console_blocked_key", args=[spki_sha256])
        return redirect(here + back.as_query)
    context = {
        "section": "console",
        "tab": "blocked",
        "now": now,
        "spki_sha256": spki_sha256,
        "blocked": BlockedKey.objects.filter(pk=spki_sha256)
        .select_related(*BlockedKey.blocked_by.related)
        .first(),
        "registered": registered,
        "more": rows.count() - len(registered),
        "revokes": any(not key.revoked_at for key in registered),
        "impacts": impacts,
        "form": form,
        "back": back,
    }
    status = 422 if form.is_bound else 200
    return show(request, "console/blocked_key.html", context, status=status)
