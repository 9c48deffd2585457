"""The forms of webhooks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from portal.outgoing import LONGEST_URL
from portal.own_keys import WEBHOOKS, signing_keys
from portal.web.forms import PortalForm
from portal.webhooks.models import EventType


class WebhookForm(PortalForm):
    """Where a webhook goes, and what it is sent."""

    url = forms.CharField(
        max_length=LONGEST_URL,
        label="URL",
        widget=forms.TextInput(
            attrs={
                "inputmode": "url",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": "Enter the URL of your receiver."},
    )
    types = forms.MultipleChoiceField(
        label="Events",
        choices=EventType.choosable,
        initial=[value for value, _ in EventType.choosable()],
        widget=forms.CheckboxSelectMultiple(),
        error_messages={"required": "Choose at least one event."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = " or to a network that the portal allows" if settings.OUTGOING_NETWORKS else ""
        self.fields[
            "url"
        ].help_text = f"It must begin with https:// and lead to a public address{allowed}."


class NewWebhookForm(WebhookForm):
    """A webhook to add."""

    has_secret = forms.BooleanField(
        required=False,
        label="Also sign with a shared secret",
        help_text="For libraries that know only the HMAC of Standard Webhooks (v1).",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not signing_keys(WEBHOOKS):
            field = self.fields["has_secret"]
            field.initial, field.label = True, "Sign with a shared secret"
            field.help_text = "This portal has no key of its own for webhooks, so this is needed."
