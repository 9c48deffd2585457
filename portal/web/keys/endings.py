"""Retire a key, take that back, and revoke one."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.registry import permissions
from portal.registry.actions import keep_key, retire_key, revoke_key
from portal.registry.errors import RegistryRefusal
from portal.registry.models import ClientKey
from portal.web.access import NOT_YOUR_KEYS, NOT_YOUR_REVOCATION, find_key, permit
from portal.web.forms import posted
from portal.web.keys.forms import LastKeyForm, RetirementForm, RevocationForm
from portal.web.keys.lists import is_last_live, stays_without
from portal.web.keys.usage import usage_of
from portal.web.people import person
from portal.web.refusals import tell
from portal.web.render import leave, show


@require_http_methods(["GET", "HEAD", "POST"])
def key_retirement(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Ask when a key is to leave the JWKS, then let it leave."""
    key = find_key(request, client_id, kid)
    permit(permissions.can_change_keys(person(request), key.client), NOT_YOUR_KEYS)
    if key.lifecycle.is_over(timezone.now()):
        messages.info(request, f"“{key.label}” has left the JWKS already.")
        return leave(request, key)
    form = RetirementForm(posted(request), key=key, is_last=is_last_live(key, timezone.now()))
    if form.is_valid() and _retire(request, key, form):
        return leave(request, key)
    return _ask(request, "web/keys/retirement.html", key, form)


@require_POST
def key_retirement_withdrawal(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Take back a retirement whose time has not come."""
    key = find_key(request, client_id, kid)
    permit(permissions.can_change_keys(person(request), key.client), NOT_YOUR_KEYS)
    try:
        keep_key(key, by=person(request))
    except RegistryRefusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{key.label}” stays. Its retirement was taken back.")
    return leave(request, key)


@require_http_methods(["GET", "HEAD", "POST"])
def key_revocation(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show what revoking a key means and ask why, then revoke it."""
    key = find_key(request, client_id, kid)
    permit(permissions.can_revoke_keys(person(request), key.client), NOT_YOUR_REVOCATION)
    if key.revoked_at:
        messages.info(request, f"“{key.label}” is revoked already.")
        return leave(request, key)
    form = RevocationForm(posted(request), key=key, is_last=is_last_live(key, timezone.now()))
    if form.is_valid() and _revoke(request, key, form):
        return leave(request, key)
    return _ask(request, "web/keys/revocation.html", key, form)


def _retire(request: HttpRequest, key: ClientKey, form: RetirementForm) -> bool:
    """Retire the key; return whether it went, with the reason told to the form otherwise."""
    grace: timedelta = form.cleaned_data["grace"]
    try:
        key = retire_key(key, grace=grace, by=person(request))
    except RegistryRefusal as refusal:
        tell(form, refusal)
        return False
    if grace:
        text = f"“{key.label}” leaves the JWKS on {key.retires_at:%d %B %Y, %H:%M} UTC."
        messages.success(request, f"{text} Until then you can take that back.")
    else:
        messages.success(request, f"“{key.label}” is retired and has left the JWKS.")
    return True


def _revoke(request: HttpRequest, key: ClientKey, form: RevocationForm) -> bool:
    """Revoke the key; return whether it went, with the reason told to the form otherwise."""
    reason, note = form.cleaned_data["reason"], form.cleaned_data["note"]
    try:
        revoke_key(key, reason=reason, note=note, by=person(request))
    except RegistryRefusal as refusal:
        tell(form, refusal)
        return False
    messages.success(
        request,
        f"“{key.label}” is revoked. It has left the JWKS; verifiers stop trusting it when "
        "their own copy runs out.",
    )
    return True


def _ask(request: HttpRequest, template: str, key: ClientKey, form: LastKeyForm) -> HttpResponse:
    context = {
        "section": "clients",
        "client": key.client,
        "key": key,
        "form": form,
        "now": timezone.now(),
        "is_last": "confirmation" in form.fields,
        "retiring": key.client.keys.live(timezone.now()).exclude(pk=key.pk).exists(),
        "stays": stays_without(key, timezone.now()),
        "usage": usage_of(key, timezone.now()),
    }
    status = 422 if form.is_bound else 200
    return show(request, template, context, fragment="form", status=status)
