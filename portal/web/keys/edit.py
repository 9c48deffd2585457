"""Change the label and the expiry of a key."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.registry.actions import change_key
from portal.registry.errors import RegistryRefusal
from portal.registry.models import ClientKey
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.keys.forms import KeyEditForm
from portal.web.render import leave, show
from portal.web.shortcuts import key_to_change


@require_http_methods(["GET", "HEAD", "POST"])
def key_edit(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show the label and the expiry of a key (GET), and change them (POST)."""
    key = key_to_change(request, client_id, kid)
    if key.lifecycle.is_over(timezone.now()):
        messages.info(request, f"“{key.label}” has left the JWKS, so it can no longer change.")
        return leave(request, "key", key.client.client_id, key.kid)
    form = KeyEditForm(posted(request), key=key)
    if form.is_valid() and _change(request, key, form):
        return leave(request, "key", key.client.client_id, key.kid)
    context = {"section": "clients", "client": key.client, "key": key, "form": form}
    status = 422 if form.is_bound else 200
    return show(request, "web/keys/edit.html", context, fragment="form", status=status)


def _change(request: HttpRequest, key: ClientKey, form: KeyEditForm) -> bool:
    """Change the key; return whether that succeeded. If not, add the reason to the form."""
    try:
        changed = change_key(key, **form.cleaned_data, by=current_user(request))
    except RegistryRefusal as refusal:
        add_refusal(form, refusal)
        return False
    messages.success(request, f"“{changed.label}” was changed.")
    return True
