"""Revoke a key."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.registry import permissions
from portal.registry.actions import revoke_key
from portal.registry.errors import RegistryRefusal
from portal.registry.models import ClientKey
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.keys.forms import RevocationForm
from portal.web.keys.lists import is_last_live
from portal.web.keys.removal import show_removal
from portal.web.render import leave
from portal.web.shortcuts import NOT_YOUR_REVOCATION, get_key_or_404, require


@require_http_methods(["GET", "HEAD", "POST"])
def key_revocation(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show the effects and ask for the reason (GET), and revoke the key (POST)."""
    key = get_key_or_404(request, client_id, kid)
    require(permissions.can_revoke_keys(current_user(request), key.client), NOT_YOUR_REVOCATION)
    if key.revoked_at:
        messages.info(request, f"“{key.label}” is already revoked.")
        return leave(request, "key", key.client.client_id, key.kid)
    form = RevocationForm(posted(request), key=key, is_last=is_last_live(key, timezone.now()))
    if form.is_valid() and _revoke(request, key, form):
        return leave(request, "key", key.client.client_id, key.kid)
    return show_removal(request, "web/keys/revocation.html", key, form)


def _revoke(request: HttpRequest, key: ClientKey, form: RevocationForm) -> bool:
    """Revoke the key; return whether that succeeded. If not, add the reason to the form."""
    reason, note = form.cleaned_data["reason"], form.cleaned_data["note"]
    try:
        revoke_key(key, reason=reason, note=note, by=current_user(request))
    except RegistryRefusal as refusal:
        add_refusal(form, refusal)
        return False
    messages.success(
        request,
        f"“{key.label}” is revoked. It has left the JWKS. Verifiers stop trusting it when their "
        "cached copy expires.",
    )
    return True
