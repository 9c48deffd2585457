"""The verifiers of the organisation, and how long each keeps a key set."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect

from portal.console.decorators import AdminRequest, admin_view
from portal.console.forms import VerifierForm
from portal.registry.actions import remove_verifier, save_verifier
from portal.registry.errors import RegistryRefusal
from portal.registry.models import Verifier
from portal.registry.replacements import MOST_VERIFIERS
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.render import show


@admin_view("GET", "HEAD", "POST")
def verifiers(request: AdminRequest) -> HttpResponse:
    """List the verifiers (GET), and add one (POST)."""
    form = VerifierForm(posted(request))
    if form.is_valid() and _save(request, None, form):
        return redirect("console_verifiers")
    context = {
        "section": "console",
        "tab": "verifiers",
        "form": form,
        "verifiers": Verifier.objects.order_by("name")[:MOST_VERIFIERS],
    }
    return show(request, "console/verifiers.html", context, status=422 if form.is_bound else 200)


@admin_view("GET", "HEAD", "POST")
def verifier_page(request: AdminRequest, verifier: int) -> HttpResponse:
    """Show a verifier (GET), and change or remove it (POST)."""
    found = get_object_or_404(Verifier, pk=verifier)
    if "remove" in request.POST:
        remove_verifier(found, by=request.user)
        messages.success(request, f"“{found.name}” was removed.")
        return redirect("console_verifiers")
    initial: dict[str, Any] = {
        name: getattr(found, name) for name in ("name", "keeps_s", "looks_after_s")
    }
    form = VerifierForm(posted(request), initial=initial)
    if form.is_valid() and _save(request, found, form):
        return redirect("console_verifiers")
    context = {"section": "console", "tab": "verifiers", "form": form, "verifier": found}
    return show(request, "console/verifier.html", context, status=422 if form.is_bound else 200)


def _save(request: AdminRequest, found: Verifier | None, form: VerifierForm) -> bool:
    """Save the verifier; return whether that succeeded. If not, add the reason to the form."""
    try:
        saved = save_verifier(found, **form.cleaned_data, by=request.user)
    except RegistryRefusal as refusal:
        add_refusal(form, refusal)
        return False
    messages.success(request, f"“{saved.name}” was saved.")
    return True
