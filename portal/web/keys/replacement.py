"""Replace a key: one page, with the evidence for each step and what comes next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from portal.registry import permissions
from portal.registry.actions import (
    begin_replacement,
    choose_successor,
    retire_replaced,
    withdraw_replacement,
)
from portal.registry.errors import RegistryRefusal
from portal.registry.models import ClientKey, Replacement
from portal.registry.replacements import facts_of, standing_replacement
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import ConfirmedForm
from portal.web.keys.file_names import files_of_next_key
from portal.web.keys.forms import KeyForm
from portal.web.keys.lists import is_last_live
from portal.web.keys.replacement_page import evidence_of, other_keys
from portal.web.render import leave, show, wants_fragment
from portal.web.shortcuts import NOT_YOUR_KEYS, get_key_or_404, refusal_as_message, require
from portal.web.templatetags.portal import moment

INSIST: Final = "retire early"
"""The words with which a person retires the old key before the new one can be known."""


class ReplacedForm(ConfirmedForm):
    """When the old key leaves the JWKS."""

    field_order = ("when", "date", "insist", "confirmation")
    when = forms.ChoiceField(
        label="When should the old key leave the JWKS?",
        choices=[
            ("168", "In 7 days"),
            ("24", "In 24 hours"),
            ("0", "Now"),
            ("date", "At a date"),
        ],
        widget=forms.RadioSelect,
        initial="168",
        error_messages={"required": "Choose when.", "invalid_choice": "Choose one of the options."},
    )
    date = forms.DateTimeField(
        required=False,
        label="Date",
        widget=KeyForm.base_fields["expires_at"].widget,
        help_text="In UTC; only for “At a date”.",
    )
    insist = forms.CharField(
        required=False,
        max_length=100,
        label="To retire it before every verifier can know the new key, enter: retire early",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, replacement: Replacement, now: datetime, **kwargs: Any) -> None:
        """Ask to insist only if that can be needed at `now`."""
        old = replacement.old
        is_last = is_last_live(old, now)
        super().__init__(*args, name=old.client.name if is_last else "", **kwargs)
        self._now = now
        if facts_of(replacement).is_known(now):
            del self.fields["insist"]

    @property
    def at(self) -> datetime | None:
        """The chosen time; None is now."""
        when = self.cleaned_data["when"]
        if when == "date":
            date: datetime = self.cleaned_data["date"]
            return date
        return self._now + timedelta(hours=int(when)) if when != "0" else None

    @property
    def insists(self) -> bool:
        """Whether the words were entered."""
        return " ".join(self.cleaned_data.get("insist", "").lower().split()) == INSIST

    def clean(self) -> dict[str, Any]:
        """Refuse a date that is missing or past."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("when") == "date" and "date" not in self.errors:
            date = cleaned.get("date")
            if date is None or date <= self._now:
                self.add_error("date", ValidationError("Choose a date in the future."))
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def key_replacement(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show the replacement of a key (GET), and begin it (POST)."""
    key = get_key_or_404(request, client_id, kid)
    if request.method != "POST":
        return _show(request, key)
    require(permissions.can_change_keys(current_user(request), key.client), NOT_YOUR_KEYS)
    with refusal_as_message(request):
        begin_replacement(key, by=current_user(request))
    return _back(request, key)


@require_POST
def key_replacement_successor(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Choose the key that replaces this one."""
    key, replacement = _own(request, client_id, kid)
    new = key.client.keys.filter(kid=request.POST.get("new", "")).first()
    if new is None:
        messages.error(request, "Choose a key.")
        return _back(request, key)
    with refusal_as_message(request):
        chosen = choose_successor(replacement, new, by=current_user(request))
        if key.retires_at and chosen.old.retires_at is None:
            messages.success(
                request,
                f"“{new.label}” replaces “{key.label}” now. Its planned retirement is cancelled, "
                "as verifiers may not know the new key by then.",
            )
    return _back(request, key)


@require_POST
def key_replacement_retirement(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Retire the old key at the chosen time."""
    key, replacement = _own(request, client_id, kid)
    form = ReplacedForm(request.POST, replacement=replacement, now=timezone.now())
    if not form.is_valid() or not _retire(request, replacement, form):
        return _show(request, key, form=form)
    return _back(request, key)


@require_POST
def key_replacement_withdrawal(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Take the replacement back, if there is one."""
    key = _own_key(request, client_id, kid)
    replacement = standing_replacement(key)
    if replacement is None:
        return leave(request, "client", key.client.client_id)
    with refusal_as_message(request):
        withdraw_replacement(replacement, by=current_user(request))
        messages.success(
            request,
            f"The replacement was taken back. “{key.label}” stays, and so does the new key.",
        )
    return leave(request, "client", key.client.client_id)


def _own_key(request: HttpRequest, client_id: str, kid: str) -> ClientKey:
    key = get_key_or_404(request, client_id, kid)
    require(permissions.can_change_keys(current_user(request), key.client), NOT_YOUR_KEYS)
    return key


def _own(request: HttpRequest, client_id: str, kid: str) -> tuple[ClientKey, Replacement]:
    """Return the key and its replacement; the person may change them."""
    key = _own_key(request, client_id, kid)
    replacement = standing_replacement(key)
    if replacement is None:
        raise Http404
    return key, replacement


def _back(request: HttpRequest, key: ClientKey) -> HttpResponse:
    return leave(request, "key_replacement", key.client.client_id, key.kid)


def _retire(request: HttpRequest, replacement: Replacement, form: ReplacedForm) -> bool:
    """Retire the old key; return whether that succeeded. If not, add the reason to the form."""
    by = current_user(request)
    try:
        key = retire_replaced(replacement, at=form.at, insists=form.insists, by=by)
    except RegistryRefusal as refusal:
        add_refusal(form, refusal)
        return False
    if form.at and key.retires_at:
        text = "“{}” leaves the JWKS on {}. You can undo this until an hour after that."
        messages.success(request, format_html(text, key.label, moment(key.retires_at)))
    else:
        messages.success(
            request, f"“{key.label}” has left the JWKS. You can undo this for an hour."
        )
    return True


def _show(request: HttpRequest, key: ClientKey, form: ReplacedForm | None = None) -> HttpResponse:
    """Show the page; to htmx, which asks again and again, only the evidence."""
    now, user = timezone.now(), current_user(request)
    replacement = standing_replacement(key)
    evidence = evidence_of(replacement, now) if replacement else None
    if (
        evidence
        and wants_fragment(request)
        and request.GET.get("step") not in {None, evidence.step}
    ):
        return HttpResponseClientRefresh()  # another step is next
    if form is None and replacement:
        form = ReplacedForm(replacement=replacement, now=now)
    context = {
        "section": "clients",
        "client": key.client,
        "key": key,
        "replacement": replacement,
        "evidence": evidence,
        "others": other_keys(key, now),
        "files": files_of_next_key(key.client),
        "form": form,
        "now": now,
        "is_over": key.lifecycle.is_over(now),
        "may_change_keys": permissions.can_change_keys(user, key.client),
    }
    status = 422 if form and form.is_bound else 200
    return show(request, "web/keys/replacement.html", context, fragment="evidence", status=status)
