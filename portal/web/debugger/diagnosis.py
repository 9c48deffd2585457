"""The debugger's result for a paste: the core's diagnosis, with the client's keys by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django import forms

from portal.core.debugger import (
    MAX_PAST_KEYS,
    MAX_PASTE_BYTES,
    Diagnosis,
    RequestExpectation,
    diagnose,
    read_paste,
)
from portal.registry.endpoints import introspection_endpoint, revocation_endpoint, token_endpoint
from portal.registry.expectations import expectation_of
from portal.registry.models import Client, ClientKey
from portal.registry.paging import newest_of
from portal.web.debugger.decoded import DecodedMember, decode_members
from portal.web.explanations import explanation_of
from portal.web.forms import PortalForm, paste_area


class PasteForm(PortalForm):
    """An assertion or a token request to debug."""

    paste = forms.CharField(
        strip=False,
        label="Assertion or request",
        help_text=(
            "The JWT, or what contains it: a curl command, a program, a form body, a HAR or "
            "Postman export, a log line. With the complete request, the portal checks that too. "
            "The portal does not store or log it."
        ),
        widget=paste_area(7, "is-key paste"),  # never filled in: see the view
        error_messages={"required": "Paste an assertion, or the request that contains it."},
    )

    def clean_paste(self) -> str:
        """Refuse a paste that is longer than the largest request the portal accepts."""
        text: str = self.cleaned_data["paste"]
        if len(text.encode("utf-8", "replace")) > MAX_PASTE_BYTES:
            message = (
                f"This is larger than {MAX_PASTE_BYTES // 1024} KiB. Paste only the request "
                "with the assertion."
            )
            raise forms.ValidationError(message)
        return text


@dataclass(frozen=True, slots=True)
class ShownDiagnosis:
    """A diagnosis for the page: the decoded content, and the keys as rows.

    `made_by` is the key that made the signature, `named` the one that `kid` names.
    """

    diagnosis: Diagnosis
    header: list[DecodedMember]
    claims: list[DecodedMember]
    made_by: ClientKey | None
    named: ClientKey | None
    created: datetime | None

    @property
    def decoded(self) -> bool:
        """Whether the assertion could be read."""
        return self.diagnosis.examination.unverified is not None

    @property
    def is_accepted_way(self) -> bool:
        """Whether the signature is made in the way for which its key is registered."""
        examination = self.diagnosis.examination
        return examination.signed_by == examination.made_by

    @property
    def title(self) -> str:
        """A short title for the first problem."""
        refusal = self.diagnosis.refusal
        return explanation_of(refusal.reason).title if refusal and refusal.reason else ""

    @property
    def others(self) -> int:
        """How many more checks fail."""
        return max(0, len(self.diagnosis.failed) - 1)


def diagnose_paste(text: str, client: Client, now: datetime) -> ShownDiagnosis:
    """Return what is wrong with the pasted assertion or request of the client; store nothing.

    Raises `Refused` when the text contains no assertion.
    """
    paste = read_paste(text)
    keys = _keys_of(client, now)
    expectation = expectation_of(client, keys, now, looking_up_jti=True)
    diagnosis = diagnose(paste, expectation, _request_of(client))
    unverified = diagnosis.examination.unverified
    by_kid = {key.kid: key for key in keys}
    return ShownDiagnosis(
        diagnosis,
        header=decode_members(unverified.header, now) if unverified else [],
        claims=decode_members(unverified.claims, now) if unverified else [],
        made_by=by_kid.get(diagnosis.examination.made_by or ""),
        named=by_kid.get((unverified and unverified.unverified_kid) or ""),
        created=None if diagnosis.as_of is None else datetime.fromtimestamp(diagnosis.as_of, UTC),
    )


def _request_of(client: Client) -> RequestExpectation:
    """Return what a request of this client must fit."""
    return RequestExpectation(
        token_endpoint=token_endpoint(),
        other_endpoints=(introspection_endpoint(), revocation_endpoint()),
        grant_types=tuple(each for each in client.allowed_grant_types if client.may_use(each)),
        scopes=tuple(client.allowed_scopes),
    )


def _keys_of(client: Client, now: datetime) -> list[ClientKey]:
    """Return all live keys, which the token endpoint may try, and the newest of the others."""
    live = list(client.keys.live(now).select_related("client").order_by("-pk"))
    others = ClientKey.objects.exclude(pk__in=[key.pk for key in live]).prefetch_related("client")
    return [*live, *newest_of(others, "client", client.pk)[:MAX_PAST_KEYS]]
