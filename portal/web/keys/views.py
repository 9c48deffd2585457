"""Register a key, inspect one before it is registered, and show one in full."""

from __future__ import annotations

import json
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import reswap, retarget

from portal.accounts.limits import has_own_limit, wait_for, within_limit
from portal.accounts.models import User
from portal.core.algorithms import ALGORITHMS
from portal.core.lifecycle import KeyStatus
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import NOT_SHOWN_AGAIN, Reason, Refused
from portal.publishing.bound import bound_text
from portal.registry import permissions
from portal.registry.actions import (
    check_client_takes,
    choose_successor,
    inspect_key,
    register_key,
)
from portal.registry.choices import Verb
from portal.registry.errors import RegistryRefusal
from portal.registry.key_policy import key_policy
from portal.registry.models import Client, ClientKey, Event
from portal.registry.paging import newest_of
from portal.registry.policy_rules import outside_of, rules_of
from portal.registry.replacements import waiting_replacement
from portal.web.addresses import addresses_of
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.keys.forms import KeyForm, KeyInspectionForm
from portal.web.keys.settings_page import show_settings
from portal.web.render import leave, show
from portal.web.shortcuts import (
    NOT_YOUR_KEYS,
    get_client_or_404,
    get_key_or_404,
    refusal_as_message,
    require,
)
from portal.web.templatetags.portal import moment


@require_http_methods(["GET", "HEAD", "POST"])
def key_register(request: HttpRequest, client_id: str) -> HttpResponse:
    """Register a key. A GET redirects to the Settings page, which contains the form."""
    client = get_client_or_404(request, client_id)
    if request.method != "POST":
        return redirect("client", client.client_id)
    user = current_user(request)
    require(permissions.can_change_keys(user, client), NOT_YOUR_KEYS)
    if not within_limit(request, "key_upload"):
        return _slow_down(request, client, KeyForm, "key_upload")
    inspect = partial(inspect_key, by=user, client=client, registering=True)
    policy = key_policy(client, timezone.now())
    form = KeyForm(request.POST, request.FILES, inspect=inspect, policy=policy)
    key = _register(client, form, by=user)
    if key is None:
        return _show_again(request, client, form, status=422)
    _say_registered(request, key)
    if replacement := waiting_replacement(client, timezone.now()):
        with refusal_as_message(request):
            choose_successor(replacement, key, by=user)
        path = reverse("key_replacement", args=[client.client_id, replacement.old.kid])
        # Only the page that made the key can sign with it at once, so it must not be left.
        if not request.POST.get("made_here"):
            return leave(request, "key_replacement", client.client_id, replacement.old.kid)
        text = 'It is to replace “{}”. <a href="{}">Go on with the replacement</a>.'
        messages.info(request, format_html(text, replacement.old.label, path))
    return redirect("client", client.client_id)


@require_http_methods(["GET", "HEAD", "POST"])
@has_own_limit
def key_inspect(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show the inspection of a pasted key, without registering it. A GET redirects to the form."""
    client = get_client_or_404(request, client_id)
    if request.method != "POST":
        return redirect("client", client.client_id)
    user = current_user(request)
    require(permissions.can_change_keys(user, client), NOT_YOUR_KEYS)
    if not within_limit(request, "key_inspect"):
        return _slow_down(request, client, KeyInspectionForm, "key_inspect", fragment="inspection")
    inspect = partial(inspect_key, by=user, client=client)
    check = partial(check_client_takes, client)
    policy = key_policy(client, timezone.now())
    form = KeyInspectionForm(
        request.POST, request.FILES, inspect=inspect, check=check, policy=policy
    )
    return _show_again(request, client, form, fragment="inspection", status=200)


@require_safe
def key(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show all that is known about a key."""
    found = get_key_or_404(request, client_id, kid)
    now = timezone.now()
    status, is_current = found.lifecycle.status(now), not found.lifecycle.is_over(now)
    rights = permissions.rights_in(current_user(request), found.client)
    actors = Event.objects.prefetch_related(*Event.actor.related)
    events = list(newest_of(actors, "key", found.pk)[:50])
    context = {
        "section": "clients",
        "client": found.client,
        "key": found,
        "algorithm": ALGORITHMS[found.alg],
        "addresses": addresses_of(found.client),
        "jwk": json.dumps(found.jwk, indent=2),
        "events": events,
        "weakness": next((each for each in events if each.verb == Verb.FIND_WEAKNESS), None),
        "now": now,
        "status": status,
        "is_current": is_current,
        "outside": outside_of(found, rules_of(found.client, now)) if is_current else [],
        "can_change": is_current and rights.may_change_keys,
        "can_withdraw": rights.may_change_keys
        and not found.client.is_archived
        and found.lifecycle.undo_until(now) is not None,
        "can_revoke": not found.revoked_at and rights.may_revoke_keys,
    }
    return show(request, "web/keys/key.html", context)


def _register(client: Client, form: KeyForm, *, by: User) -> ClientKey | None:
    if not form.is_valid() or form.accepted is None:
        return None
    given = {name: form.cleaned_data[name] for name in ("alg", "label", "not_before", "expires_at")}
    try:
        return register_key(client, form.accepted, by=by, **given)
    except (Refused, RegistryRefusal) as refusal:
        add_refusal(form, refusal)
        return None


def _slow_down(
    request: HttpRequest,
    client: Client,
    form_class: type[KeyForm],
    action: str,
    fragment: str = "settings",
) -> HttpResponse:
    """Answer a user over the rate limit: no key is checked, blocked or recorded."""
    policy = key_policy(client, timezone.now())
    form = form_class(request.POST, request.FILES, inspect=_look_for_secrets, policy=policy)
    message = (
        f"Too many requests. Your key is still here: wait at most {wait_for(action)}, then try "
        "again."
    )
    form.add_error(None, message)
    return _show_again(request, client, form, fragment=fragment, status=429)


def _look_for_secrets(material: bytes | str, *, choice: str = "") -> None:
    """Raise `Refused` only for material that must not be shown again."""
    try:
        parse_public_key(material, choice=choice)
    except Refused as refused:
        if refused.reason in NOT_SHOWN_AGAIN:
            refused.leaked = ()  # the page would say that these are blocked
            raise


def _show_again(
    request: HttpRequest, client: Client, form: KeyForm, *, fragment: str = "settings", status: int
) -> HttpResponse:
    """Show the form with its input and the inspection of it, without anything private."""
    form.is_valid()  # in case the form is not validated yet
    private = form.refused is not None and form.refused.reason == Reason.PRIVATE_KEY
    # A private key must leave the text area, which is outside the smaller fragment.
    shown = "settings" if private else fragment
    response = show_settings(request, client, form=form, fragment=shown, status=status)
    if private and fragment != "settings":
        reswap(retarget(response, "#settings"), "outerHTML")
    return response


def _say_registered(request: HttpRequest, key: ClientKey) -> None:
    now = timezone.now()
    live, status = key.client.keys.live(now).count(), key.lifecycle.status(now)
    if status == KeyStatus.UNCONFIRMED:
        level, text = messages.WARNING, "is registered. It enters the JWKS after you confirm it."
    elif status == KeyStatus.PENDING and key.not_before:
        level, text = (
            messages.SUCCESS,
            format_html("is registered. It starts {}.", moment(key.not_before)),
        )
    else:
        level = messages.SUCCESS
        text = (
            f"is live. The JWKS contains it {bound_text()}; verifiers see it when they next fetch "
            "the JWKS."
        )
    page = reverse("key_confirmation", args=[key.client.client_id, key.kid])
    # browser-key.js finds the link by the fingerprint of the key that it made.
    link = format_html(
        '<a href="{}" data-confirms="{}">Confirm it with a signature</a>', page, key.spki_sha256
    )
    later = "" if status == KeyStatus.UNCONFIRMED else ", now or later"
    messages.add_message(request, level, format_html("“{}” {} {}{}.", key.label, text, link, later))
    if live > 1:
        messages.warning(
            request,
            f"{key.client.name} has {live} live keys. Without a kid in the assertion's "
            "header, this portal tries each of them, but other verifiers refuse the assertion.",
        )
