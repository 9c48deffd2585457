"""The page that asks for confirmation before a key leaves the JWKS."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.registry.models import ClientKey
from portal.registry.replacements import caches
from portal.web.keys.forms import KeyRemovalForm
from portal.web.keys.lists import stays_without
from portal.web.keys.usage import usage_of
from portal.web.render import show


def show_removal(
    request: HttpRequest, template: str, key: ClientKey, form: KeyRemovalForm
) -> HttpResponse:
    """Show the form with the effects of the removal; 422 if the submitted form has errors."""
    now, keys = timezone.now(), key.client.keys
    context = {
        "section": "clients",
        "client": key.client,
        "key": key,
        "form": form,
        "now": now,
        "is_last": "confirmation" in form.fields,
        "retiring": keys.live(now).exclude(pk=key.pk).exists(),
        "stays": stays_without(key, now),
        "usage": usage_of(key, now),
        "successor": _standing_successor(key, now),
        "verifiers": caches(),
    }
    status = 422 if form.is_bound else 200
    return show(request, template, context, fragment="form", status=status)


def _standing_successor(key: ClientKey, now: datetime) -> ClientKey | None:
    """Return the oldest other key of the client that is live and confirmed and was never used."""
    found = key.client.keys.standing_successors(now).exclude(pk=key.pk)
    # Of all, which are few: to find the first, PostgreSQL would read all keys that have ended.
    return min(found, key=lambda each: each.pk, default=None)
