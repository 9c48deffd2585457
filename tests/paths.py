"""The paths of the pages of a client and of a key."""

from __future__ import annotations

from django.urls import reverse

from portal.registry.models import Client, ClientKey


def client_path(client: Client) -> str:
    return reverse("client", args=[client.client_id])


def key_path(key: ClientKey) -> str:
    return reverse("key", args=[key.client.client_id, key.kid])
