"""Find what a path names, and permit what somebody wants to do with it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from portal.registry.models import Client, ClientKey
from portal.web.people import person


def find_client(request: HttpRequest, client_id: str) -> Client:
    """Return the client; 404 when there is none that the person may see."""
    return get_object_or_404(Client.objects.visible_to(person(request)), client_id=client_id)


def find_key(request: HttpRequest, client_id: str, kid: str) -> ClientKey:
    """Return the key of the client, with its client; 404 as for `find_client`."""
    client = find_client(request, client_id)
    # Who confirmed, retired or revoked it one page in many shows, and loads.
    keys = client.keys.select_related("client", "registered_by").with_last_used()
    return get_object_or_404(keys, kid=kid)


def permit(allowed: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence: permit(can_…)
    """Answer 403 with the sentence unless it is allowed."""
    if not allowed:
        raise PermissionDenied(otherwise)


NOT_YOUR_KEYS = (
    "Keys are added and retired by the client's owners and developers. "
    "Please ask one of them, or ask an owner for another role."
)
NOT_YOUR_REVOCATION = (
    "Keys are revoked by the client's owners and developers, and by admins of the portal. "
    "If a private key has leaked, tell one of them now."
)
NOT_YOUR_CLIENT = (
    "A client's name, contacts and team are looked after by its owners. Please ask one of them."
)
