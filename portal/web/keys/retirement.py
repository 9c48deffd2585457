"""Retire a key, and withdraw a retirement."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from portal.registry.actions import keep_key, retire_key
from portal.registry.errors import RegistryRefusal
from portal.registry.models import ClientKey
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.keys.forms import RetirementForm
from portal.web.keys.lists import is_last_live
from portal.web.keys.removal import show_removal
from portal.web.render import leave
from portal.web.shortcuts import key_to_change, refusal_as_message
from portal.web.templatetags.portal import moment


@require_http_methods(["GET", "HEAD", "POST"])
def key_retirement(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Ask when the key leaves the JWKS (GET), and retire it (POST)."""
    key = key_to_change(request, client_id, kid)
    if key.lifecycle.is_over(timezone.now()):
        messages.info(request, f"“{key.label}” has already left the JWKS.")
        return leave(request, "key", key.client.client_id, key.kid)
    form = RetirementForm(posted(request), key=key, is_last=is_last_live(key, timezone.now()))
    if form.is_valid() and _retire(request, key, form):
        return leave(request, "key", key.client.client_id, key.kid)
    return show_removal(request, "web/keys/retirement.html", key, form)


@require_POST
def key_retirement_withdrawal(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Withdraw a retirement that has not taken effect."""
    key = key_to_change(request, client_id, kid)
    with refusal_as_message(request):
        keep_key(key, by=current_user(request))
        messages.success(request, f"“{key.label}” stays live. The retirement was cancelled.")
    return leave(request, "key", key.client.client_id, key.kid)


def _retire(request: HttpRequest, key: ClientKey, form: RetirementForm) -> bool:
    """Retire the key; return whether that succeeded. If not, add the reason to the form."""
    grace: timedelta = form.cleaned_data["grace"]
    try:
        key = retire_key(key, grace=grace, by=current_user(request))
    except RegistryRefusal as refusal:
        add_refusal(form, refusal)
        return False
    if grace and key.retires_at:
        text = "“{}” leaves the JWKS on {}. You can undo this until an hour after that."
        messages.success(request, format_html(text, key.label, moment(key.retires_at)))
    else:
        messages.success(
            request,
            f"“{key.label}” is retired and has left the JWKS. You can undo this for an hour.",
        )
    return True
