"""The paths of the pages of webhooks."""

from __future__ import annotations

from django.urls import reverse


def path_of(client_id: str | None, name: str, *args: int) -> str:
    """Return the path of a page of the client's webhooks, or of those of the console."""
    if client_id is None:
        return reverse(f"console_{name}", args=args)
    return reverse(name, args=[client_id, *args])
