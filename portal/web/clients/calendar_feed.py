"""Make and revoke the secret address of a client's calendar."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.registry import permissions
from portal.registry.actions import make_calendar_feed, revoke_calendar_feed
from portal.registry.endpoints import issuer
from portal.registry.models import Client
from portal.web.current_user import current_user
from portal.web.render import leave, show
from portal.web.shortcuts import NOT_YOUR_KEYS, get_client_or_404, refusal_as_message, require


@require_POST
def client_calendar(request: HttpRequest, client_id: str) -> HttpResponse:
    """Make the calendar address, and show it: the only time that the portal knows it."""
    client = _find(request, client_id)
    with refusal_as_message(request):
        secret = make_calendar_feed(client, by=current_user(request))
        address = issuer() + reverse("calendar_feed", args=[secret])
        context = {"section": "clients", "client": client, "address": address}
        return show(request, "web/clients/calendar.html", context)
    return leave(request, "client", client.client_id)


@require_POST
def client_calendar_revocation(request: HttpRequest, client_id: str) -> HttpResponse:
    """Revoke the calendar address."""
    client = _find(request, client_id)
    if revoke_calendar_feed(client, by=current_user(request)):
        messages.success(request, "The calendar address is revoked. It no longer works.")
    return leave(request, "client", client.client_id)


def _find(request: HttpRequest, client_id: str) -> Client:
    client = get_client_or_404(request, client_id)
    require(permissions.can_change_keys(current_user(request), client), NOT_YOUR_KEYS)
    return client
