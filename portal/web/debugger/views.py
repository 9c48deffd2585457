"""The assertion debugger: paste an assertion or a token request, and read why it is refused."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import reswap, retarget

from portal.accounts.limits import has_own_limit, wait_for, within_limit
from portal.core.reasons import Reason, Refused
from portal.registry.actions import blocking_leaked_keys
from portal.registry.key_policy import key_policy
from portal.registry.models import Client
from portal.web.addresses import addresses_of
from portal.web.current_user import current_user
from portal.web.debugger.diagnosis import PasteForm, ShownDiagnosis, diagnose_paste
from portal.web.forms import posted
from portal.web.keys.file_names import files_of, files_of_next_key
from portal.web.keys.guide import recipes
from portal.web.leaked_keys import leaked_keys_of
from portal.web.render import show
from portal.web.shortcuts import get_client_or_404

_SECRET: Final = frozenset({Reason.PRIVATE_KEY, Reason.SHARED_SECRET})


@require_http_methods(["GET", "HEAD", "POST"])
@has_own_limit
def assertion_debugger(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show the form (GET), or what is wrong with what was pasted (POST).

    The response never repeats the paste. An assertion authenticates its holder for up to five
    minutes, and a whole request may contain a code, a refresh token or a secret. A page that
    repeats them is another copy of them. With JavaScript only the result is swapped, so the paste
    stays in its field; without JavaScript, the browser's Back button restores it.
    """
    client = get_client_or_404(request, client_id)
    form = PasteForm(posted(request))
    if request.method != "POST":
        return _show(request, client, form)
    if not within_limit(request, "debug"):
        wait = wait_for("debug")
        form.add_error(None, f"Too many requests. Wait at most {wait}, then try again.")
        return _show(request, client, form, status=429)
    if not form.is_valid():
        return _show(request, client, form, status=422)
    text = form.cleaned_data["paste"]
    try:
        with blocking_leaked_keys(by=current_user(request), client=client):
            shown = diagnose_paste(text, client, timezone.now())
    except Refused as refused:
        return _show(request, client, form, refused=refused, status=422)
    return _show(request, client, form, shown=shown)


def _show(
    request: HttpRequest, client: Client, form: PasteForm, *, status: int = 200, **seen: Any
) -> HttpResponse:
    # A secret must leave the field too, so the form is rendered again, which is always empty.
    refused = seen.get("refused")
    whole = refused is not None and refused.reason in _SECRET
    shown: ShownDiagnosis | None = seen.get("shown")
    named = shown.named if shown else None
    now = timezone.now()
    context = {
        "section": "clients",
        "client": client,
        "addresses": addresses_of(client),
        "form": form,
        "recipes": recipes(key_policy(client, now)),
        "files": files_of(named) if named else files_of_next_key(client),
        "now": now,
        "is_secret": whole,
        "leaked_keys": leaked_keys_of(refused, current_user(request), now),
        **seen,
    }
    fragment = "debugger" if whole else "verdict"
    response = show(
        request, "web/debugger/debugger.html", context, fragment=fragment, status=status
    )
    if whole:
        reswap(retarget(response, "#debugger"), "outerHTML")
    return response
