"""What all forms have in common: text the database can hold, and errors that are read out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict

from portal.registry.choices import Role


class PortalForm(forms.Form):
    """A form for templates/partials/field.html, without inline styles or scripts."""

    template_name = "partials/form.html"
    required_css_class = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        # What is missing is said in our words, in the page, and not in a browser's bubble.
        self.use_required_attribute = False


def paste_area(rows: int, css: str = "is-key", **attrs: str) -> forms.Textarea:
    """Return a field for keys and assertions, which no browser may correct or complete."""
    fixed = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    return forms.Textarea(attrs={"class": css, "rows": rows, **fixed, **attrs})


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what a form was sent with, or None when it is only to be shown."""
    return request.POST if request.method == "POST" else None


def one_line(value: str) -> None:
    """Refuse control characters, which SQLite would keep and PostgreSQL would not."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        message = "Write this on one line, without control characters."
        raise ValidationError(message)


class ClientForm(PortalForm):
    """The name and the contacts of a client."""

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
        help_text="E-mail addresses to contact about a problem with a key, one per line.",
    )

    def clean_contacts(self) -> list[str]:
        """Return the addresses, each once, in the order given."""
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


class ClientEditForm(ClientForm):
    """What of a client can be changed: also where people are sent with an authorization code."""

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

    def clean_redirect_uris(self) -> list[str]:
        """Return the addresses, one a line; the registry judges them."""
        lines: list[str] = self.cleaned_data["redirect_uris"].split()
        return lines


class RoleForm(PortalForm):
    """What a member may do."""

    role = forms.TypedChoiceField(
        choices=Role.choices,
        coerce=Role,
        initial=Role.DEVELOPER,
        help_text="Owners manage the name and the team, developers manage keys, viewers can "
        "only read.",
    )


class MemberForm(RoleForm):
    """Somebody to add to a client."""

    field_order = ("email", "role")
    email = forms.EmailField(
        max_length=254,
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="The address of their account here.",
        error_messages={"required": "Enter an e-mail address."},
    )
