"""Shortcuts for views: find the client or key of a path, and check a permission."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from portal.registry import permissions
from portal.registry.errors import RegistryRefusal
from portal.registry.models import Client, ClientKey
from portal.web.current_user import current_user


def get_client_or_404(request: HttpRequest, client_id: str) -> Client:
    """Return the client. Raises Http404 unless it exists and the user may see it."""
    return get_object_or_404(Client.objects.visible_to(current_user(request)), client_id=client_id)


def get_key_or_404(request: HttpRequest, client_id: str, kid: str) -> ClientKey:
    """Return the key, with its client loaded. Raises Http404 as `get_client_or_404` does."""
    client = get_client_or_404(request, client_id)
    # Few pages show who confirmed, retired or revoked the key; they load those users themselves.
    keys = client.keys.select_related("client", "registered_by").with_last_used()
    return get_object_or_404(keys, kid=kid)


def client_to_change(request: HttpRequest, client_id: str) -> Client:
    """Return the client. Also raises `PermissionDenied` unless the user may change it."""
    client = get_client_or_404(request, client_id)
    require(permissions.can_change_client(current_user(request), client), NOT_YOUR_CLIENT)
    return client


def key_to_change(request: HttpRequest, client_id: str, kid: str) -> ClientKey:
    """Return the key. Also raises `PermissionDenied` unless the user may change it."""
    key = get_key_or_404(request, client_id, kid)
    require(permissions.can_change_keys(current_user(request), key.client), NOT_YOUR_KEYS)
    return key


def require(allowed: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence: require(can_…)
    """Raise `PermissionDenied` (403) with the message `otherwise` unless `allowed`."""
    if not allowed:
        raise PermissionDenied(otherwise)


@contextmanager
def refusal_as_message(request: HttpRequest) -> Iterator[None]:
    """Show a `RegistryRefusal` of the block as a message, and continue after the block."""
    try:
        yield
    except RegistryRefusal as refusal:
        messages.error(request, str(refusal))


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
