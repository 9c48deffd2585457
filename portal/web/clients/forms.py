"""The forms of clients."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from portal.web.forms import PortalForm, one_line


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
