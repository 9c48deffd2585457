"""The Settings page of a client: the values of its assertions, its keys, and the key form."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.core.dates import date_text
from portal.core.key_policy.policy import KeyPolicy
from portal.registry import permissions
from portal.registry.key_policy import policy_of
from portal.registry.models import CalendarFeed, Client
from portal.registry.policy_rules import rules_of
from portal.web.addresses import addresses_of
from portal.web.current_user import current_user
from portal.web.keys.example import example_of
from portal.web.keys.file_names import files_of_next_key
from portal.web.keys.forms import KeyForm
from portal.web.keys.guide import PUBLIC_HALVES, browser_key, recipes
from portal.web.keys.key_stores import SERVICES
from portal.web.keys.lists import ended_by_portal, key_lists
from portal.web.leaked_keys import leaked_keys_of
from portal.web.pages import PlaceForm, pager_of
from portal.web.render import show
from portal.web.shortcuts import get_client_or_404
from portal.web.token_requests.lists import latest_requests

TEMPLATE = "web/keys/settings.html"


@require_safe
def client(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show the Settings page, with the requested page of the ended keys."""
    found = get_client_or_404(request, client_id)
    place = PlaceForm(request.GET)
    if not place.is_valid():
        message = "The link to this page of the list is invalid."
        raise BadRequest(message)
    if not request.GET:
        return show_settings(request, found)
    return show_settings(request, found, place=place.cleaned_data, fragment="ended")


def _empty_form(policy: KeyPolicy, total: int, now: datetime) -> KeyForm:
    """Return the form for the next key, with the latest end if the key policy requires one."""
    initial: dict[str, object] = {"label": f"Key {total + 1}, {date_text(now)}"}
    if policy.required.longest is not None:
        initial["expires_at"] = now + policy.required.longest
    return KeyForm(initial=initial, policy=policy)


def show_settings(
    request: HttpRequest,
    client: Client,
    *,
    form: KeyForm | None = None,
    place: dict[str, int | None] | None = None,
    fragment: str = "settings",
    status: int = 200,
) -> HttpResponse:
    """Show the Settings page of the client with this form and the inspection of its key.

    `place` opens the list of ended keys at this page.
    """
    user = current_user(request)
    rights = permissions.rights_in(user, client)
    now = timezone.now()
    rules = rules_of(client, now)
    policy = form.policy if form else policy_of(rules, now)
    lists = key_lists(client, now, rules, **(place or {}))
    context: dict[str, Any] = {
        "section": "clients",
        "client": client,
        "addresses": addresses_of(client),
        "example": example_of(client, lists),
        "lists": lists,
        "shows_ended": place is not None,
        "path": reverse("client", args=[client.client_id]),
        **pager_of(request, lists.ended, keys="ended"),
        "revoked_by_portal": ended_by_portal(client, now) if lists.ended_count else [],
        "calendar_feed": CalendarFeed.objects.select_related("made_by")
        .filter(client=client)
        .first(),
        "limit": settings.KEY_LIMIT,
        "latest": latest_requests(client, now),
        "also_endpoint": settings.ACCEPT_TOKEN_ENDPOINT_AUDIENCE,
        "lacks_successor": client.wants_successor
        and not client.is_archived
        and not lists.has_standing_successor,
        "now": now,
        "recipes": recipes(policy),
        "browser_key": browser_key(policy),
        "services": SERVICES,
        "public_halves": PUBLIC_HALVES,
        "files": files_of_next_key(client, lists.total),
        "form": form or _empty_form(policy, lists.total, now),
        "outside": [row for row in lists.current if row.outside],
        "leaked_keys": leaked_keys_of(form.refused if form else None, user, now),
        "may_change_keys": rights.may_change_keys,
        "may_revoke_keys": rights.may_revoke_keys,
        "may_change_client": rights.may_change_client,
        "role": rights.role,
    }
    return show(request, TEMPLATE, context, fragment=fragment, status=status)
