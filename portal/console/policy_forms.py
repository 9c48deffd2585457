"""The forms of the key policy: a rule, and an exemption from one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from portal.console.filters.base import day_field, midnight
from portal.console.forms import note_field
from portal.core.algorithms import ALGORITHMS
from portal.registry.actions.policy_rule import MAX_CLIENTS, MAX_DAYS, RuleValues
from portal.registry.models import Client, PolicyRule
from portal.web.forms import PortalForm, one_line

_SHOWN: Final = 3
"""How many wrong lines an error names."""


class RuleForm(PortalForm):
    """A rule of the key policy."""

    name = forms.CharField(
        max_length=100,
        validators=[one_line],
        help_text="Teams see it, such as “Keys end within a year”.",
        error_messages={"required": "Enter a name."},
    )
    longest_days = forms.IntegerField(
        label="Longest life of a key (days)",
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text="From its registration to its end. Empty: no limit.",
    )
    algorithms = forms.MultipleChoiceField(
        label="Allowed algorithms",
        required=False,
        choices=[(name, name) for name in ALGORITHMS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None selected: all that the settings allow.",
        error_messages={"invalid_choice": "“%(value)s” does not exist."},
    )
    rsa_min_bits = forms.IntegerField(
        label="Smallest RSA key (bits)",
        required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    confirmation = forms.BooleanField(
        label="A key is live only after its confirmation",
        required=False,
        help_text="Somebody signs a challenge with its private key.",
    )
    clients = forms.CharField(
        required=False,
        max_length=MAX_CLIENTS * 65,
        label="Only for these clients",
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=f"One client_id per line, at most {MAX_CLIENTS}. Empty: for all clients.",
    )
    applies_from = day_field("From")
    replace_by = day_field("Replace other keys by")

    def __init__(self, *args: Any, begins_now: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        least, most = settings.RSA_MIN_BITS, settings.RSA_MAX_BITS
        texts = {
            "rsa_min_bits": f"From {least} to {most}, which are settings. Empty: no requirement.",
            "applies_from": "The day, in UTC, from which new keys must meet the rule. Empty: now.",
            "replace_by": "What the portal proposes to teams whose keys are outside the rule. No "
            "key ends because of it.",
        }
        for name, text in texts.items():
            self.fields[name].help_text = text
        if begins_now:
            del self.fields["applies_from"]

    @classmethod
    def of_rule(cls, rule: PolicyRule) -> dict[str, Any]:
        """Return the initial values for a rule in place of this one."""
        clients = rule.clients.order_by("pk").values_list("client_id", flat=True)
        return {
            "name": rule.name,
            "longest_days": rule.longest_days,
            "algorithms": rule.algorithms,
            "rsa_min_bits": rule.rsa_min_bits,
            "confirmation": rule.confirmation,
            "clients": "\n".join(clients),
            "applies_from": rule.applies_from.date(),
            "replace_by": rule.replace_by,
        }

    def clean_clients(self) -> list[Client] | None:
        """Return the clients with these ids, or None for all clients."""
        named = list(dict.fromkeys(self.cleaned_data["clients"].split()))
        if not named:
            return None
        if len(named) > MAX_CLIENTS:
            message = f"These are {len(named)} clients. Name at most {MAX_CLIENTS}."
            raise ValidationError(message)
        found = Client.objects.existing().in_bulk(named, field_name="client_id")
        unknown = [each for each in named if each not in found]
        if unknown:
            message = f"No client has the client_id {', '.join(unknown[:_SHOWN])}. Copy it whole."
            raise ValidationError(message)
        return [found[each] for each in named]

    def clean_applies_from(self) -> datetime:
        """Return when the rule begins: the start of the day, or now."""
        day, now = self.cleaned_data["applies_from"], timezone.now()
        return now if day is None else max(midnight(day), now)

    def clean_replace_by(self) -> date | None:
        """Return the day, which must not be over."""
        day: date | None = self.cleaned_data["replace_by"]
        if day is not None and day < timezone.now().date():
            message = "This date is in the past. Give teams time to replace their keys."
            raise ValidationError(message)
        return day

    @property
    def values(self) -> RuleValues:
        """What the form says, when it is valid."""
        given = self.cleaned_data
        return RuleValues(
            name=given["name"],
            applies_from=given.get("applies_from") or timezone.now(),
            clients=given["clients"],
            algorithms=given["algorithms"] or None,
            rsa_min_bits=given["rsa_min_bits"],
            longest_days=given["longest_days"],
            confirmation=given["confirmation"],
            replace_by=given["replace_by"],
        )


class ExemptionForm(PortalForm):
    """A client that a rule does not apply to for some time."""

    client = forms.CharField(
        label="client_id", max_length=64, error_messages={"required": "Enter a client_id."}
    )
    note = note_field(
        required=True, label="Reason", help_text="Kept in the ledger. Up to 500 characters."
    )
    until = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The last day of the exemption, in UTC.",
        validators=day_field("").validators,
        error_messages={
            "required": "Enter the last day of the exemption.",
            "invalid": "Enter a date like 2026-03-31.",
        },
    )

    def clean_client(self) -> Client:
        """Return the client with this id."""
        wanted = self.cleaned_data["client"].strip()
        found = Client.objects.existing().filter(client_id=wanted).first()
        if found is None:
            message = "No client has this client_id. Copy it whole."
            raise ValidationError(message)
        return found

    def clean_until(self) -> datetime:
        """Return the end of the day."""
        return midnight(self.cleaned_data["until"]) + timedelta(days=1)
