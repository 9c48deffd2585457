"""Confirm a key: the user signs a challenge with its private key and submits the result."""

from __future__ import annotations

import json
from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.accounts.limits import wait_for, within_limit
from portal.core.algorithms import ALGORITHMS
from portal.core.assertion import MAX_ASSERTION_BYTES
from portal.core.reasons import Reason, Refused
from portal.registry.actions import confirm_key, read_key
from portal.registry.errors import RegistryRefusal
from portal.registry.key_policy import key_policy
from portal.registry.models import ClientKey
from portal.registry.proof_of_possession import ProofResult, check_proof, new_challenge
from portal.web.addresses import confirmation_url
from portal.web.current_user import current_user
from portal.web.forms import PortalForm, paste_area
from portal.web.keys.file_names import files_of, files_of_next_key
from portal.web.keys.guide import recipes
from portal.web.keys.signing import LIFETIME_S, signing_commands
from portal.web.leaked_keys import leaked_keys_of
from portal.web.render import leave, show
from portal.web.shortcuts import key_to_change


class AssertionForm(PortalForm):
    """The signed challenge. The submitted text is never shown again."""

    assertion = forms.CharField(
        max_length=MAX_ASSERTION_BYTES,
        label="What the command printed",
        help_text="The assertion: three parts with dots between them. The portal does not keep it.",
        widget=paste_area(6),
        error_messages={"required": "Sign the challenge, and paste what the command prints."},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def key_confirmation(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show a challenge to sign (GET), and confirm the key if its signature is valid (POST)."""
    key = key_to_change(request, client_id, kid)
    if key.confirmed_at or key.lifecycle.is_over(timezone.now()):
        what = "is already confirmed" if key.confirmed_at else "has already left the JWKS"
        messages.info(request, f"“{key.label}” {what}.")
        return leave(request, "key", key.client.client_id, key.kid)
    if request.method != "POST":
        return _ask(request, key)
    if not within_limit(request, "key_inspect"):
        wait = f"Wait at most {wait_for('key_inspect')}, then try again."
        return _ask(request, key, problem=f"Too many requests. {wait}", status=429)
    form = AssertionForm(request.POST)
    if not form.is_valid():
        return _ask(request, key, problem=_said(form), status=422)
    return _try(request, key, form.cleaned_data["assertion"])


def _said(form: AssertionForm) -> str:
    return " ".join(map(str, form.errors["assertion"]))


def _try(request: HttpRequest, key: ClientKey, assertion: str) -> HttpResponse:
    leaked, is_key = _look_for_key(request, key, assertion)
    if leaked:
        key.refresh_from_db(fields=["revoked_at"])  # the private key may be this key's
        return _ask(request, key, refused=leaked, status=422)
    if is_key:
        return _ask(request, key, problem=_PUBLIC_KEY, status=422)
    result = check_proof(key, assertion, timezone.now(), audience=confirmation_url(key))
    if not result.is_proof:
        return _ask(request, key, result=result, status=422)
    try:
        confirm_key(key, by=current_user(request))
    except RegistryRefusal as refusal:
        return _ask(request, key, problem=str(refusal), status=422)
    messages.success(
        request,
        f"“{key.label}” is confirmed: the private key, the algorithm {key.alg}, the kid and "
        "your machine's clock are correct.",
    )
    return leave(request, "key", key.client.client_id, key.kid)


_PUBLIC_KEY: Final = (
    "This is a public key. Please sign the challenge with its private key, and paste the assertion"
    " that comes out."
)


def _look_for_key(request: HttpRequest, key: ClientKey, text: str) -> tuple[Refused | None, bool]:
    """Return the refusal of a private key or None, and whether the text is a public key.

    The public key of a refused private key is now blocked.
    """
    try:
        read_key(text, by=current_user(request), client=key.client)
    except Refused as refused:
        if refused.reason == Reason.PRIVATE_KEY:
            return refused, False
        return None, bool(refused.choices)
    return None, True


def _ask(
    request: HttpRequest,
    key: ClientKey,
    *,
    result: ProofResult | None = None,
    problem: str = "",
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    claims, now = new_challenge(key, audience=confirmation_url(key)), timezone.now()
    header = {"alg": ALGORITHMS[key.alg].headers[0], "kid": key.kid}
    context = {
        "section": "clients",
        "client": key.client,
        "key": key,
        "now": now,
        "status": key.lifecycle.status(now),
        "form": AssertionForm(),
        "examination": result.examination if result else None,
        "problem": result.problem if result and result.problem else problem,
        "refused": refused,
        "leaked_keys": leaked_keys_of(refused, current_user(request), now),
        "recipes": recipes(key_policy(key.client, now)),
        # A private key that was sent here is compromised: the commands make the next one.
        "files": files_of_next_key(key.client) if refused else files_of(key),
        "commands": signing_commands(key.alg, key.kid, claims),
        "header": json.dumps(header, indent=2),
        "claims": json.dumps(claims, indent=2),
        # For browser-key.js, which signs it with a key that it made.
        "challenge": json.dumps({"header": header, "claims": claims}),
        "lifetime": LIFETIME_S,
    }
    return show(request, "web/keys/confirmation.html", context, status=status)
