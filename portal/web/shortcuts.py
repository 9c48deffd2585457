"""Shortcuts of the views: find the client or key of a path, and check a permission."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from portal.registry.models import Client, ClientKey
from portal.web.current_user import current_user


def get_client_or_404(request: HttpRequest, client_id: str) -> Client:
    """Return the client; 404 when there is none that the person may see."""
    return get_object_or_404(Client.objects.visible_to(current_user(request)), client_id=client_id)


def get_key_or_404(request: HttpRequest, client_id: str, kid: str) -> ClientKey:
    """Return the key of the client, with its client; 404 as for `get_client_or_404`."""
    client = get_client_or_404(request, client_id)
    # Who confirmed, retired or revoked it one page in many shows, and loads.
    keys = client.keys.select_related("client", "registered_by").with_last_used()
    return get_object_or_404(keys, kid=kid)


def require(allowed: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence: require(can_…)
    """Answer 403 with the message `otherwise` unless it is allowed."""
    if not allowed:
        raise PermissionDenied(otherwise)


NOT_YOUR_KEYS = (
    "Only the client's owners and developers can add and retire keys. Ask one of them, or ask "
    "an owner for another role."
)
NOT_YOUR_REVOCATION = (
    "Only the client's owners and developers, and admins of the portal, can revoke keys. If a "
    "private key has leaked, contact one of them now."
)
NOT_YOUR_CLIENT = (
    "Only the client's owners can change its name, contacts and team. Ask one of them."
)
