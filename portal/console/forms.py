"""The forms of admins, except those of the key policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings

from portal.console.impact import Impact
from portal.registry.choices import CHOSEN_REASONS, GrantType
from portal.registry.models.verifier import LONGEST_S
from portal.registry.validation import MAX_EMAIL
from portal.web.forms import PortalForm, one_line

MAX_NOTE = 500


def note_field(*, required: bool, label: str, help_text: str) -> forms.CharField:
    """Return a field for a note that the event records."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=MAX_NOTE,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Enter the reason in a few words, for later reference."},
    )


class LastKeysForm(PortalForm):
    """Asks for a confirmation for each client that would lose its last live key.

    `last` contains the ids of the confirmed clients.
    """

    last = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, impacts: Sequence[Impact], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.impacts = impacts
        field = self.fields["last"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(str(impact.client.pk), impact.client.name) for impact in impacts]

    def clean_last(self) -> list[str]:
        """Return the confirmed clients. Each client that loses its last key must be among them."""
        agreed: list[str] = self.cleaned_data["last"]
        missing = [
            impact.client.name
            for impact in self.impacts
            if impact.loses_last and str(impact.client.pk) not in agreed
        ]
        if missing:
            message = (
                f"This revokes the last live key of {_listed(missing)}. Select its checkbox to "
                "confirm, or leave that key out."
            )
            raise forms.ValidationError(message)
        return agreed

    @property
    def agreed(self) -> list[str]:
        """Return the ticked ids, to show them ticked again."""
        return self.data.getlist("last") if hasattr(self.data, "getlist") else []


class RevokeKeysForm(LastKeysForm):
    """Why keys are revoked."""

    reason = forms.ChoiceField(
        choices=CHOSEN_REASONS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a reason. The portal keeps it with the key."},
    )
    note = note_field(
        required=False,
        label="Note (optional)",
        help_text="The client's team sees this. Up to 500 characters.",
    )


class BlockForm(LastKeysForm):
    """Why a key is blocked."""

    note = note_field(
        required=False,
        label="Note (optional)",
        help_text="For example, where the key was found, or a ticket number. Up to 500 characters.",
    )


class SuspensionForm(PortalForm):
    """Why a client is suspended."""

    note = note_field(
        required=True,
        label="Reason",
        help_text="The client's team sees this. Up to 500 characters.",
    )


class JobForm(PortalForm):
    """Starts a job, after the admin has typed the number of its keys or clients."""

    confirmation = forms.CharField(
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, number: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._number = number
        field = self.fields["confirmation"]
        field.label = f"To confirm, type {number}"
        field.error_messages["required"] = f"Type {number} to confirm."

    def clean_confirmation(self) -> str:
        """Return the number. Raises `ValidationError` if it is another one."""
        typed: str = self.cleaned_data["confirmation"]
        if typed.strip().replace(",", "") != str(self._number):
            raise forms.ValidationError(f"You typed “{typed}”. Type {self._number} to confirm.")
        return typed


class RevocationJobForm(JobForm):
    """Why the keys of a job are revoked."""

    field_order = ("reason", "note", "confirmation")
    reason = RevokeKeysForm.declared_fields["reason"]
    note = RevokeKeysForm.declared_fields["note"]


class SuspensionJobForm(JobForm):
    """Why the clients of a job are suspended."""

    field_order = ("note", "confirmation")
    note = note_field(
        required=True,
        label="Reason",
        help_text="The clients' teams see this. Up to 500 characters.",
    )


class OwnerForm(PortalForm):
    """The new owner of a client."""

    email = forms.EmailField(
        max_length=MAX_EMAIL,
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="The address of their account here.",
        error_messages={"required": "Enter an e-mail address."},
    )


def _boxes(label: str, help_text: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "“%(value)s” does not exist."},
    )


class RightsForm(PortalForm):
    """The scopes, grant types and resources that a client may request, out of all that exist."""

    scopes = _boxes("Scopes", "The scopes that the client can request. The first is the default.")
    grant_types = _boxes("Grant types", "The authorization code grant also needs a redirect URI.")
    resources = _boxes(
        "Resources", "The resources that the client can request tokens for (RFC 8707)."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = {
            "scopes": _named(settings.SCOPES),
            "grant_types": GrantType.choices,
            "resources": _named(settings.RESOURCES),
        }
        for name, choices in there.items():
            field = self.fields[name]
            if isinstance(field, forms.MultipleChoiceField):
                field.choices = choices
        if not settings.RESOURCES:
            self.fields["resources"].help_text = "None: the setting RESOURCES is empty."


class VerifierForm(PortalForm):
    """A verifier and its times, in seconds."""

    name = forms.CharField(
        max_length=100, validators=[one_line], error_messages={"required": "Enter a name."}
    )
    keeps_s = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST_S,
        label="Keeps a key set for, in seconds",
        help_text="Empty: its program decides, or nobody knows.",
    )
    looks_after_s = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST_S,
        label="Fetches it again for an unknown kid after, in seconds",
        help_text="0: at once. Empty: never, as Envoy.",
    )


def _named(meanings: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, f"{meaning} ({name})") for name, meaning in meanings.items()]


def _listed(names: Sequence[str]) -> str:
    shown = [f"“{name}”" for name in names[:3]]
    if len(names) > 3:
        shown.append(f"{len(names) - 3} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
