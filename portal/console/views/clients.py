"""List clients; suspend and resume one, appoint its owner, and change its rights."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from portal.console.decorators import AdminRequest, admin_view
from portal.console.filters import ClientFilter
from portal.console.forms import OwnerForm, RightsForm, SuspensionForm
from portal.console.humanize import counted
from portal.registry.actions import appoint_owner, change_rights, resume_client, suspend_client
from portal.registry.errors import RegistryRefusal
from portal.registry.models import Client, ClientKey, Membership, PendingMember
from portal.registry.models.client import active_owners, team_size
from portal.registry.paging import SCAN, BoundedCount
from portal.web.back import back_to
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.render import show

_MEMBERS: Final = 20
"""How many members the page of an action shows."""


@admin_view("GET", "HEAD")
def clients(request: AdminRequest) -> HttpResponse:
    """List clients."""
    now = timezone.now()
    form = ClientFilter(request.GET)
    page = form.page(now)
    if page:
        _count_for(page.rows, now)
    context = form.listing(page, now) | {"now": now}
    status = 422 if page is None else 200
    return show(request, "console/clients.html", context, fragment="found", status=status)


def _count_for(clients: list[Client], now: datetime) -> None:
    """Set `live_keys`, `people` and `has_owner` on each client, with one query for all."""
    keys = ClientKey.objects.live(now).filter(client=OuterRef("pk"))
    numbers = {
        pk: counts
        for pk, *counts in Client.objects.filter(pk__in=[client.pk for client in clients])
        .annotate(
            live_keys=BoundedCount(keys, limit=SCAN),
            people=team_size(OuterRef("pk")),
            has_owner=Exists(active_owners().filter(client=OuterRef("pk"))),
        )
        .values_list("pk", "live_keys", "people", "has_owner")
    }
    for client in clients:
        client.live_keys, client.people, client.has_owner = numbers[client.pk]  # type: ignore[attr-defined]


@admin_view("GET", "HEAD", "POST")
def suspension(request: AdminRequest, client_id: str) -> HttpResponse:
    """Show what suspending the client stops (GET), and suspend it (POST)."""
    client = _find(client_id)
    form = SuspensionForm(posted(request))
    if form.is_valid():
        suspend_client(client, note=form.cleaned_data["note"], by=request.user)
        messages.success(request, f"{client.name} is suspended. Its keys are no longer published.")
        return redirect(back_to(request, "console_clients").url)
    status = 422 if form.is_bound else 200
    context = _about(request, client, form=form, applies=not client.is_suspended)
    return show(request, "console/suspension.html", context, status=status)


@admin_view("GET", "HEAD", "POST")
def resumption(request: AdminRequest, client_id: str) -> HttpResponse:
    """Show what resuming the client publishes again (GET), and resume it (POST)."""
    client = _find(client_id)
    if request.method == "POST":
        resume_client(client, by=request.user)
        live = client.keys.live(timezone.now()).count()
        messages.success(
            request, f"{client.name} is resumed. The portal publishes {counted(live, 'live key')}."
        )
        return redirect(back_to(request, "console_clients").url)
    context = _about(request, client, applies=client.is_suspended)
    return show(request, "console/resumption.html", context)


@admin_view("GET", "HEAD", "POST")
def owner(request: AdminRequest, client_id: str) -> HttpResponse:
    """Ask for the owner of a client without one (GET), and appoint them (POST)."""
    client = _find(client_id)
    form = OwnerForm(posted(request))
    if form.is_valid():
        try:
            appointed = appoint_owner(client, **form.cleaned_data, by=request.user)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _appointed(appointed, client))
            return redirect(back_to(request, "console_clients").url)
    status = 422 if form.is_bound else 200
    ownerless = Client.objects.without_owner().filter(pk=client.pk).exists()
    context = _about(request, client, form=form, applies=ownerless)
    return show(request, "console/owner.html", context, status=status)


@admin_view("GET", "HEAD", "POST")
def rights(request: AdminRequest, client_id: str) -> HttpResponse:
    """Show the rights of the client (GET), and change them (POST)."""
    client = _find(client_id)
    allowed = {
        "scopes": client.allowed_scopes,
        "grant_types": client.allowed_grant_types,
        "resources": client.allowed_resources,
    }
    form = RightsForm(posted(request), initial=allowed)
    if form.is_valid():
        try:
            change_rights(client, **form.cleaned_data, by=request.user)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"The rights of {client.name} were saved.")
            here = reverse("console_client_rights", args=[client.client_id])
            return redirect(here + back_to(request, "console_clients").as_query)
    gone = [each for each in client.resources or () if each not in settings.RESOURCES]
    status = 422 if form.is_bound else 200
    context = _about(request, client, form=form, gone=gone)
    return show(request, "console/rights.html", context, status=status)


def _appointed(appointed: Membership | PendingMember, client: Client) -> str:
    if isinstance(appointed, PendingMember):
        return f"{appointed.email} is asked to join {client.name} as owner, by e-mail."
    return f"{appointed.user} is now an owner of {client.name}."


def _find(client_id: str) -> Client:
    clients = Client.objects.existing().select_related("suspended_by", "archived_by")
    return get_object_or_404(clients, client_id=client_id)


def _about(request: AdminRequest, client: Client, **more: object) -> dict[str, object]:
    now = timezone.now()
    members = list(client.memberships.prefetch_related("user").order_by("pk")[: _MEMBERS + 1])
    return {
        "section": "console",
        "tab": "clients",
        "client": client,
        "back": back_to(request, "console_clients"),
        "live": list(client.keys.live(now).defer("pem", "jwk").order_by("-pk")),
        "members": members[:_MEMBERS],
        "more_members": len(members) > _MEMBERS,
        "now": now,
        **more,
    }
