"""The base class and fields of all forms, and the forms of clients and members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict

from portal.registry.choices import Role


class PortalForm(forms.Form):
    """A form for templates/partials/field.html, without inline styles or scripts (CSP)."""

    template_name = "partials/form.html"
    required_css_class = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        # The page reports a missing value in our words, not the browser in a tooltip.
        self.use_required_attribute = False


def paste_area(rows: int, css: str = "is-key", **attrs: str) -> forms.Textarea:
    """Return a field for keys and assertions, without spell checking and autocompletion."""
    fixed = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    return forms.Textarea(attrs={"class": css, "rows": rows, **fixed, **attrs})


def posted(request: HttpRequest) -> QueryDict | None:
    """Return the data of a POST, or None when the form is only shown."""
    return request.POST if request.method == "POST" else None


def one_line(value: str) -> None:
    """Refuse control characters: PostgreSQL does not accept NUL, and SQLite would store it."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        message = "Write this on one line, without control characters."
        raise ValidationError(message)


class ConfirmedForm(PortalForm):
    """A form that asks for the client's name before it does what is hard to undo."""

    confirmation = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        """`name` is the name to enter. Empty: the form does not ask for it."""
        super().__init__(*args, **kwargs)
        self._name = name
        if name:
            self.fields["confirmation"].label = f"To confirm, enter the client's name: {name}"
        else:
            del self.fields["confirmation"]

    def clean_confirmation(self) -> str:
        """Refuse anything but the client's name, ignoring case and spacing."""
        written = " ".join(self.cleaned_data["confirmation"].casefold().split())
        if written != " ".join(self._name.casefold().split()):
            message = f"Nothing was changed. Enter “{self._name}” to confirm."
            raise ValidationError(message)
        return self._name


class NewClientForm(PortalForm):
    """The name, the contacts and the redirect URIs of a client."""

    name = forms.CharField(
        max_length=100,
        validators=[one_line],
        help_text="You can change it later.",
        error_messages={"required": "Enter a name."},
    )
    contacts = forms.CharField(
        required=False,
        max_length=1000,
        label="Contacts",
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=(
            "E-mail addresses to contact about a problem with a key, one per line. The portal asks "
            "each one once, and sends it notices only if it agrees."
        ),
    )
    redirect_uris = forms.CharField(
        required=False,
        max_length=10_000,
        label="Redirect URIs",
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=(
            "Only for the authorization code grant: where users return after consent, one URI "
            "per line, exactly as the client sends it."
        ),
    )

    def clean_contacts(self) -> list[str]:
        """Return the e-mail addresses without duplicates, in the order given."""
        given = self.cleaned_data["contacts"].replace(",", "\n").split("\n")
        addresses = list(dict.fromkeys(line.strip() for line in given if line.strip()))
        if len(addresses) > 20:
            message = f"These are {len(addresses)} addresses. Enter at most 20."
            raise ValidationError(message)
        check = forms.EmailField().clean
        for address in addresses:
            try:
                check(address)
            except ValidationError:
                message = f"“{address}” is not an e-mail address. Write one address per line."
                raise ValidationError(message) from None
        return addresses

    def clean_redirect_uris(self) -> list[str]:
        """Return the redirect URIs, one per line; the registry validates them."""
        lines: list[str] = self.cleaned_data["redirect_uris"].split()
        return lines


class ClientForm(NewClientForm):
    """What can be changed of a client."""

    wants_successor = forms.BooleanField(
        required=False,
        label="Always have a successor",
        help_text=(
            "A key that is confirmed and published and does not sign. If the key in use must be "
            "revoked, the client can sign with the successor at once. The Settings page says when "
            "there is none."
        ),
    )


class RoleForm(PortalForm):
    """The role of a member."""

    role = forms.TypedChoiceField(
        choices=Role.choices,
        coerce=Role,
        initial=Role.DEVELOPER,
        help_text="Owners manage the name and the team, developers manage keys, viewers can "
        "only read.",
    )


class MemberForm(RoleForm):
    """A person to ask to join a client."""

    field_order = ("email", "role")
    email = forms.EmailField(
        max_length=254,
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="An address that they have confirmed here, or will confirm.",
        error_messages={"required": "Enter an e-mail address."},
    )
