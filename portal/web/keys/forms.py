"""The forms about keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils import timezone

from portal.core.algorithms import Algorithm
from portal.core.reasons import NOT_SHOWN_AGAIN, Refused
from portal.registry.choices import CHOSEN_REASONS, RevocationReason
from portal.registry.models import ClientKey
from portal.web.forms import PortalForm, one_line, paste_area

YEARS_AHEAD: Final = 20
_DATE_FORMATS: Final = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class KeyText(forms.Field):
    """Pasted text exactly as it was sent; the parser of the core is the only judge of it."""

    widget = paste_area(9, placeholder="-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----")


def _utc_field(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        required=False,
        label=label,
        help_text=help_text,
        input_formats=_DATE_FORMATS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Please write a date and time like 2027-03-31 12:00, in UTC."},
    )


class KeyForm(PortalForm):
    """A public key to register: its text or file, the algorithm, a label, and dates."""

    material = KeyText(
        required=False,
        label="Public key",
        help_text=(
            "PEM, JWK, certificate or OpenSSH line. Paste it, choose a file, or drop one here."
        ),
    )
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        max_length=None,
        label="Or choose a file",
        widget=forms.FileInput(attrs={"accept": ".pem,.pub,.crt,.cer,.jwk,.json,.txt,text/plain"}),
    )
    alg = forms.CharField(
        max_length=16,
        strip=False,  # RFC 7515 §4.1.1: a name of an algorithm is compared as it is
        label="Algorithm",
        help_text="What your client writes into the alg header of its assertions.",
        error_messages={"required": "Please choose the algorithm that your client signs with."},
    )
    label = forms.CharField(
        max_length=100,
        validators=[one_line],
        label="Label",
        help_text="For you and your colleagues, such as “production, March 2027”.",
        error_messages={"required": "Please give the key a label, so that you know it again."},
    )
    not_before = _utc_field("Starts (UTC)", "Published from then on. Empty: at once.")
    expires_at = _utc_field("Expires (UTC)", "No longer published from then on. Empty: never.")

    refused: Refused | None = None

    def __init__(
        self,
        *args: Any,
        algorithms: tuple[Algorithm, ...],
        inspecting: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offer(algorithms)
        self._given: list[bytes | str] | None = None
        if inspecting:
            # While somebody still writes, what is missing is no error yet.
            self._errors = ErrorDict()
            self.cleaned_data = {}

    def offer(self, algorithms: tuple[Algorithm, ...]) -> None:
        """Offer these algorithms; whether the chosen one fits is for the registry to say."""
        choices = [("", "Please choose"), *_choices(algorithms)]
        self.fields["alg"].widget = forms.Select(choices=choices)

    def narrow(self, algorithms: tuple[Algorithm, ...]) -> None:
        """Offer only what fits the key, and choose the best unless a fitting one is chosen."""
        self.fields["alg"].widget = forms.Select(choices=_choices(algorithms))
        if self.data.get("alg") not in {each.name for each in algorithms}:
            self._put("alg", algorithms[0].name)

    def materials(self) -> list[bytes | str]:
        """Return what was given: nothing, the text, the content of the file, or both."""
        if self._given is None:
            text = self.data.get("material", "")
            file = self.files.get("file")
            content = file.read() if isinstance(file, UploadedFile) else b""
            self._given = [each for each in (text if text.strip() else "", content) if each]
        return self._given

    def clean(self) -> dict[str, Any]:
        """Check that there is exactly one key, and that its dates make sense."""
        cleaned = super().clean() or self.cleaned_data
        given = self.materials()
        if not given:
            self.add_error("material", "Please paste your public key, or choose its file.")
        elif len(given) > 1:
            self.add_error("material", "There is text here and a file too. Please give only one.")
        else:
            cleaned["material"] = given[0]
        self._check_dates(cleaned.get("not_before"), cleaned.get("expires_at"))
        cleaned.pop("file", None)
        return cleaned

    def _check_dates(self, start: datetime | None, end: datetime | None) -> None:
        now = timezone.now()
        far = now + timedelta(days=365 * YEARS_AHEAD)
        if start and not now - timedelta(days=1) <= start <= far:
            self.add_error(
                "not_before",
                f"Please choose a start between now and {far:%Y}, or leave it empty to start now.",
            )
        if end and not now < end <= far:
            self.add_error(
                "expires_at", f"Please choose an end between now and {far:%Y}, or leave it empty."
            )
        elif start and end and end <= start:
            self.add_error("expires_at", "The key would expire before it starts.")

    def keep(self, material: bytes | str, refused: Refused | None) -> None:
        """Show the material again in the text area, but nothing that is private or might be."""
        text = ""
        if refused is None or refused.reason not in NOT_SHOWN_AGAIN:
            text = material if isinstance(material, str) else material.decode("utf-8", "replace")
        self._put("material", text)

    def _put(self, name: str, value: str) -> None:
        data = cast("QueryDict", self.data).copy()
        data[name] = value
        self.data = data


def _choices(algorithms: tuple[Algorithm, ...]) -> list[tuple[str, str]]:
    return [(each.name, _algorithm_label(each)) for each in algorithms]


def _algorithm_label(algorithm: Algorithm) -> str:
    kind = algorithm.curve or algorithm.kty
    kind = "" if kind == algorithm.name else f" ({kind})"
    if algorithm.recommended:
        return f"{algorithm.name}{kind}, recommended"
    return f"{algorithm.name}{kind}, legacy" if algorithm.legacy else f"{algorithm.name}{kind}"


class KeyRemovalForm(PortalForm):
    """A form that asks for the client's name when it takes the client's last live key away."""

    confirmation = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, key: ClientKey, is_last: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key
        if is_last:
            name = key.client.name
            self.fields["confirmation"].label = f"To confirm, write the client's name: {name}"
        else:
            del self.fields["confirmation"]

    def clean_confirmation(self) -> str:
        """Refuse anything but the client's name; upper and lower case and spacing do not matter."""
        written = " ".join(self.cleaned_data["confirmation"].casefold().split())
        name = self.key.client.name
        if written != " ".join(name.casefold().split()):
            message = f"Nothing was changed yet. Please write “{name}” to confirm."
            raise ValidationError(message)
        return name


class RetirementForm(KeyRemovalForm):
    """When a key is to leave the JWKS."""

    field_order = ("grace", "confirmation")
    grace = forms.TypedChoiceField(
        label="When should it leave the JWKS?",
        choices=[("168", "In 7 days"), ("24", "In 24 hours"), ("0", "Now")],
        coerce=lambda hours: timedelta(hours=int(hours)),
        widget=forms.RadioSelect,
        initial="168",
        error_messages={
            "required": "Please choose when.",
            "invalid_choice": "Please choose one of the three.",
        },
    )


class RevocationForm(KeyRemovalForm):
    """Why a key is revoked."""

    field_order = ("reason", "note", "confirmation")
    reason = forms.TypedChoiceField(
        label="Why?",
        choices=CHOSEN_REASONS,
        coerce=RevocationReason,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Please choose a reason.",
            "invalid_choice": "Please choose one of these reasons.",
        },
    )
    note = forms.CharField(
        required=False,
        max_length=500,
        validators=[one_line],
        help_text="What happened, in a sentence. It stays on record with the key.",
    )
