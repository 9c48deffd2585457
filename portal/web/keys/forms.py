"""The forms that register, retire and revoke keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils import timezone

from portal.core.algorithms import Algorithm
from portal.core.key_policy.accepted import AcceptedKey
from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key import PublicKey
from portal.core.reasons import NOT_SHOWN_AGAIN, Reason, Refused
from portal.registry.choices import CHOSEN_REASONS, RevocationReason
from portal.registry.errors import RegistryRefusal
from portal.registry.key_dates import latest_date
from portal.registry.models import ClientKey
from portal.web.form_errors import add_refusal
from portal.web.forms import ConfirmedForm, PortalForm, one_line, paste_area

_FILES: Final = ".pem,.der,.pub,.crt,.cer,.csr,.jwk,.json,.xml,.txt,text/plain"
_DATE_FORMATS: Final = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class Inspect(Protocol):
    """Read and check a key; raise `Refused`. None means that it was not checked."""

    def __call__(self, material: bytes | str, *, choice: str = "") -> AcceptedKey | None:
        """`choice` is the kid of one of several keys in the material."""


def _inspect_nothing(material: bytes | str, *, choice: str = "") -> None:
    """Check nothing."""


class KeyText(forms.Field):
    """Pasted text, exactly as it was sent. Only the parser of the core validates it."""

    widget = paste_area(9, placeholder="-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----")


def _utc_field(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        required=False,
        label=label,
        help_text=help_text,
        input_formats=_DATE_FORMATS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Enter a date and time like 2027-03-31 12:00, in UTC."},
    )


class KeyForm(PortalForm):
    """A public key to register: its text or file, the algorithm, a label and dates."""

    material = KeyText(
        required=False,
        label="Public key",
        help_text=(
            "PEM, DER, JWK, certificate, signing request, OpenSSH key, or the answer of a key "
            "service. Paste it, choose a file, or drop a file here."
        ),
    )
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        max_length=None,
        label="Or choose a file",
        widget=forms.FileInput(attrs={"accept": _FILES}),
    )
    choice = forms.CharField(
        required=False,
        label="Which of these keys?",
        help_text="The one that your client signs with.",
        widget=forms.RadioSelect,
    )
    alg = forms.CharField(
        max_length=16,
        strip=False,  # RFC 7515 §4.1.1: names of algorithms are compared exactly
        label="Algorithm",
        help_text="The alg header of your client's assertions.",
        error_messages={"required": "Choose the algorithm that your client signs with."},
    )
    label = forms.CharField(
        max_length=100,
        validators=[one_line],
        label="Label",
        help_text="A name for this key, such as “production, March 2027”.",
        error_messages={"required": "Enter a label, so that you can recognize the key."},
    )
    not_before = _utc_field(
        "Starts (UTC)", "When the JWKS starts to contain the key. Empty: at once."
    )
    expires_at = _utc_field("Expires (UTC)", "When the key leaves the JWKS. Empty: never.")

    accepted: AcceptedKey | None = None
    refused: Refused | None = None
    hindrance: RegistryRefusal | None = None
    """Why the client cannot register the accepted key, if `check` was called."""

    def __init__(
        self, *args: Any, policy: KeyPolicy, inspect: Inspect = _inspect_nothing, **kwargs: Any
    ) -> None:
        """`inspect` reads each submitted key once: text, file, or both.

        `policy` is the one for the client's new keys.
        """
        super().__init__(*args, **kwargs)
        self.policy = policy
        self._inspect = inspect
        longest = policy.required.longest
        if longest is not None:
            help_text = f"When the key leaves the JWKS: at most {longest.days} days from now."
            self.fields["expires_at"].help_text = help_text
        # Until the user changes it, key-form.js replaces it by the name of the chosen file.
        self.fields["label"].widget.attrs["data-suggested"] = self.initial.get("label", "")
        # The registry decides whether the chosen algorithm fits the key.
        choices = [("", "Choose"), *_choices(policy.offered)]
        self.fields["alg"].widget = forms.Select(choices=choices)

    def clean(self) -> dict[str, Any]:
        """Check that exactly one key was sent, that it is accepted, and its dates are valid."""
        cleaned = super().clean() or self.cleaned_data
        given = self.inspect_given()
        if not given:
            self.add_error("material", "Paste your public key, or choose its file.")
        elif given > 1:
            self.add_error("material", "You entered both text and a file. Use only one.")
        self._check_dates(cleaned.get("not_before"), cleaned.get("expires_at"))
        return cleaned

    def inspect_given(self) -> int:
        """Inspect all submitted keys, even if other fields are invalid; return how many there were.

        The form stores the accepted key or the refusal, and the text that may be shown again.
        """
        text, file = self.data.get("material", ""), self.files.get("file")
        content = file.read() if isinstance(file, UploadedFile) else b""
        if isinstance(file, UploadedFile) and not content:
            needed = "Choose the file that contains your public key, or paste the key."
            empty = Refused(Reason.EMPTY, found="This file is empty.", needed=needed)
            add_refusal(self, empty)
            return 1
        given = [each for each in (text if text.strip() else "", content) if each]
        for place, material in enumerate(given):
            refused = None
            try:
                self.accepted = self._inspect(material, choice=self.data.get("choice", ""))
            except Refused as refusal:
                refused = refusal
                if self.refused is None:
                    add_refusal(self, refusal)
            if place == 0:
                self._keep(material, refused)
        if self.accepted:
            self._narrow(self.accepted.algorithms)
        choices = [(key.thumbprint, _choice_label(key)) for key in self.choices]
        self.fields["choice"].widget = forms.RadioSelect(choices=choices)
        return len(given)

    @property
    def choices(self) -> tuple[PublicKey, ...]:
        """The keys to choose from, when the submitted text or file contains several."""
        if self.accepted:
            return self.accepted.key.choices
        return self.refused.choices if self.refused else ()

    def _narrow(self, algorithms: tuple[Algorithm, ...]) -> None:
        """Offer only fitting algorithms; select the best unless one that fits is selected."""
        self.fields["alg"].widget = forms.Select(choices=_choices(algorithms))
        if self.data.get("alg") not in {each.name for each in algorithms}:
            self._put("alg", algorithms[0].name)

    def _check_dates(self, start: datetime | None, end: datetime | None) -> None:
        now = timezone.now()
        far = latest_date(now)
        if start and not now - timedelta(days=1) <= start <= far:
            self.add_error(
                "not_before",
                f"Choose a start between now and {far:%Y}, or leave it empty to start now.",
            )
        if end and not now < end <= far:
            self.add_error(
                "expires_at", f"Choose an expiry date between now and {far:%Y}, or leave it empty."
            )
        elif start and end and end <= start:
            self.add_error("expires_at", "The key would expire before it starts.")

    def _keep(self, material: bytes | str, refused: Refused | None) -> None:
        """Show the material again in the text area, unless it is or may be private."""
        text = ""
        if isinstance(material, str):
            text = material
        elif _is_utf8(material):
            text = material.decode("utf-8")
        elif self.accepted:
            text = self.accepted.key.pem  # a binary file cannot be shown as it was
        hidden = refused is not None and refused.reason in NOT_SHOWN_AGAIN
        self._put("material", "" if hidden else text)

    def _put(self, name: str, value: str) -> None:
        data = cast("QueryDict", self.data).copy()
        data[name] = value
        self.data = data


class KeyInspectionForm(KeyForm):
    """The form while the user still fills it in: it inspects the key and requires no field."""

    def __init__(
        self, *args: Any, check: Callable[[PublicKey], None] = lambda _: None, **kwargs: Any
    ) -> None:
        """`check` raises `RegistryRefusal` for an accepted key that the client cannot register."""
        super().__init__(*args, **kwargs)
        self._check = check

    def full_clean(self) -> None:
        """Inspect the key and skip all other checks."""
        self._errors = ErrorDict()
        self.cleaned_data = {}
        self.inspect_given()
        if self.accepted:
            try:
                self._check(self.accepted.key)
            except RegistryRefusal as hindrance:
                self.hindrance = hindrance


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _choice_label(key: PublicKey) -> str:
    hint = f", {key.hint}" if key.hint else ""
    return f"{key.description}{hint} (thumbprint {key.thumbprint[:8]}…)"


def _choices(algorithms: tuple[Algorithm, ...]) -> list[tuple[str, str]]:
    return [(each.name, _algorithm_label(each)) for each in algorithms]


def _algorithm_label(algorithm: Algorithm) -> str:
    kind = algorithm.curve or algorithm.kty
    kind = "" if kind == algorithm.name else f" ({kind})"
    if algorithm.recommended:
        return f"{algorithm.name}{kind}, recommended"
    return f"{algorithm.name}{kind}, legacy" if algorithm.legacy else f"{algorithm.name}{kind}"


class KeyEditForm(PortalForm):
    """The label and the expiry of a registered key; the registry checks the date."""

    label = KeyForm.base_fields["label"]
    expires_at = KeyForm.base_fields["expires_at"]

    def __init__(self, *args: Any, key: ClientKey, **kwargs: Any) -> None:
        self._expires_at = key.expires_at
        # The control shows whole minutes.
        shown = key.expires_at and key.expires_at.replace(second=0, microsecond=0)
        super().__init__(*args, initial={"label": key.label, "expires_at": shown}, **kwargs)

    def clean_expires_at(self) -> datetime | None:
        """Return the exact date of the key if the user did not change it."""
        if "expires_at" in self.changed_data:
            entered: datetime | None = self.cleaned_data["expires_at"]
            return entered
        return self._expires_at


class KeyRemovalForm(ConfirmedForm):
    """A form that asks for the client's name before it removes the client's last live key."""

    def __init__(self, *args: Any, key: ClientKey, is_last: bool, **kwargs: Any) -> None:
        super().__init__(*args, name=key.client.name if is_last else "", **kwargs)


class RetirementForm(KeyRemovalForm):
    """When a key leaves the JWKS."""

    field_order = ("grace", "confirmation")
    grace = forms.TypedChoiceField(
        label="When should the key leave the JWKS?",
        choices=[("168", "In 7 days"), ("24", "In 24 hours"), ("0", "Now")],
        coerce=lambda hours: timedelta(hours=int(hours)),
        widget=forms.RadioSelect,
        initial="168",
        error_messages={
            "required": "Choose when.",
            "invalid_choice": "Choose one of the options.",
        },
    )


class RevocationForm(KeyRemovalForm):
    """Why a key is revoked."""

    field_order = ("reason", "note", "confirmation")
    reason = forms.TypedChoiceField(
        label="Reason",
        choices=CHOSEN_REASONS,
        coerce=RevocationReason,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a reason.",
            "invalid_choice": "Choose one of these reasons.",
        },
    )
    note = forms.CharField(
        required=False,
        max_length=500,
        validators=[one_line],
        help_text="What happened, in one sentence. The portal keeps it with the key.",
    )
