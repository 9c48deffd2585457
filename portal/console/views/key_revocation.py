"""Revoke one or more keys, after a page that shows the effects on their clients."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from portal.console.decorators import AdminRequest, admin_view
from portal.console.filters.base import MAX_ID, PAGE_SIZE
from portal.console.forms import RevokeKeysForm
from portal.console.humanize import counted
from portal.console.impact import impact_of
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import ClientKey
from portal.web.back import back_to
from portal.web.forms import posted
from portal.web.render import show

MAX_KEYS: Final = PAGE_SIZE
"""How many keys one request may revoke: a page of them. Each is its own transaction."""


@admin_view("GET", "HEAD", "POST")
def revocation(request: AdminRequest) -> HttpResponse:
    """Show what revoking the chosen keys does to each client (GET), and revoke them (POST)."""
    asked = request.POST if request.method == "POST" else request.GET
    back = back_to(request, "console_keys")
    named = set(asked.getlist("key"))
    if not 1 <= len(named) <= MAX_KEYS:
        messages.warning(request, _wrong_number(len(named)))
        return redirect(back.url)
    keys = _find(named)
    now = timezone.now()
    impacts = impact_of(keys, now)
    form = RevokeKeysForm(
        posted(request),
        initial={"reason": RevocationReason.UNSPECIFIED},
        impacts=impacts,
    )
    if form.is_valid():
        _revoke(request, keys, form)
        return redirect(back.url)
    context = {
        "section": "console",
        "tab": "keys",
        "now": now,
        "form": form,
        "impacts": impacts,
        "keys": keys,
        "number": sum(len(impact.keys) for impact in impacts),
        "back": back,
    }
    status = 422 if form.is_bound else 200
    return show(request, "console/key_revocation.html", context, status=status)


def _wrong_number(number: int) -> str:
    if number == 0:
        return "Select the keys to revoke first."
    return f"You selected {number} keys. Select at most {MAX_KEYS} at a time."


def _find(named: set[str]) -> list[ClientKey]:
    """Return the keys with these ids. Raises Http404 when one does not exist."""
    ids = {int(name) for name in named if name.isascii() and name.isdecimal() and len(name) < 20}
    keys = list(
        ClientKey.objects.filter(pk__in=[id_ for id_ in ids if id_ <= MAX_ID])
        .select_related("client")
        .defer("pem", "jwk")
        .order_by("client__name", "-pk")
    )
    if len(keys) != len(named):
        raise Http404
    return keys


def _revoke(request: AdminRequest, keys: list[ClientKey], form: RevokeKeysForm) -> None:
    due = [key for key in keys if not key.revoked_at]
    for key in due:
        revoke_key(
            key,
            reason=RevocationReason(form.cleaned_data["reason"]),
            by=request.user,
            note=form.cleaned_data["note"],
        )
    clients = len({key.client_id for key in due})
    if due:
        said = f"{counted(len(due), 'key')} of {counted(clients, 'client')}"
        said += f" {'is' if len(due) == 1 else 'are'} revoked, from the next JWKS request on."
    else:
        said = "There was nothing to do."
    if already := len(keys) - len(due):
        said += f" {counted(already, 'key')} had already been revoked."
    messages.success(request, said)
