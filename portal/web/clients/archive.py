"""Archive a client, take it back, and delete one that never had a key."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.registry.actions import archive_client, delete_client, unarchive_client
from portal.web.current_user import current_user
from portal.web.forms import ConfirmedForm, posted
from portal.web.render import leave, show
from portal.web.shortcuts import client_to_change, refusal_as_message


@require_http_methods(["GET", "HEAD", "POST"])
def client_archive(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show what archiving the client ends (GET), and archive it (POST)."""
    client = client_to_change(request, client_id)
    if client.is_archived:
        messages.info(request, f"{client.name} is already archived.")
        return leave(request, "client", client.client_id)
    keys = list(client.keys.current(timezone.now()).defer("pem", "jwk").order_by("-pk"))
    form = ConfirmedForm(posted(request), name=client.name if keys else "")
    if form.is_valid():
        archive_client(client, by=current_user(request))
        messages.success(request, f"{client.name} is archived. An owner can take it back.")
        return leave(request, "clients")
    context = {"section": "clients", "client": client, "keys": keys, "form": form}
    status = 422 if form.is_bound else 200
    return show(request, "web/clients/archive.html", context, fragment="form", status=status)


@require_POST
def client_archive_withdrawal(request: HttpRequest, client_id: str) -> HttpResponse:
    """Take a client out of the archive."""
    client = client_to_change(request, client_id)
    with refusal_as_message(request):
        unarchive_client(client, by=current_user(request))
        messages.success(request, f"{client.name} is back. Now add a public key.")
    return leave(request, "client", client.client_id)


@require_http_methods(["GET", "HEAD", "POST"])
def client_delete(request: HttpRequest, client_id: str) -> HttpResponse:
    """Ask for confirmation (GET), and delete a client that never had a key (POST)."""
    client = client_to_change(request, client_id)
    if request.method != "POST":
        context = {"section": "clients", "client": client, "has_keys": client.keys.exists()}
        return show(request, "web/clients/delete.html", context)
    with refusal_as_message(request):
        delete_client(client, by=current_user(request))
        messages.success(request, f"{client.name} is deleted.")
        return leave(request, "clients")
    return leave(request, "client", client.client_id)
