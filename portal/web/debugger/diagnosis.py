"""The debugger's result for a paste: the core's examination, with the client's keys by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django import forms

from portal.core.assertion import Expectation, UnverifiedAssertion
from portal.core.assertion.formatting import brief
from portal.core.assertion.token_request import why_of_another
from portal.core.debugger import (
    MAX_PASTE_BYTES,
    CheckOutcome,
    CheckResult,
    Examination,
    Paste,
    Problem,
    examine,
    read_paste,
)
from portal.registry.expectations import expectation_of
from portal.registry.models import Client, ClientKey
from portal.registry.paging import newest_of
from portal.web.debugger.decoded import DecodedMember, decode_members
from portal.web.debugger.difference import Difference, difference
from portal.web.explanations import explanation_of
from portal.web.forms import PortalForm, paste_area

_MAX_PAST_KEYS: Final = 50


class PasteForm(PortalForm):
    """An assertion or a token request to debug."""

    paste = forms.CharField(
        strip=False,
        label="Assertion or request",
        help_text=(
            "The JWT, or the complete request: a curl command, a form body or a raw HTTP "
            "request. The portal does not store or log it."
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
class Diagnosis:
    """The problems of a paste, if any, and its decoded content.

    `problems` concern the request around the assertion. They are listed before all checks.
    """

    checks: tuple[CheckResult, ...]
    decoded: bool
    header: list[DecodedMember]
    claims: list[DecodedMember]
    signed_by: ClientKey | None
    named: ClientKey | None
    audience: Difference | None

    @property
    def failed(self) -> list[CheckResult]:
        """The failed checks, in the order in which to fix them."""
        return [each for each in self.checks if each.outcome == CheckOutcome.FAIL]

    @property
    def refusal(self) -> CheckResult | None:
        """The first thing to fix."""
        return next(iter(self.failed), None)

    @property
    def title(self) -> str:
        """A short title for the first problem."""
        refusal = self.refusal
        return explanation_of(refusal.reason).title if refusal and refusal.reason else ""

    @property
    def others(self) -> int:
        """How many more checks fail."""
        return max(0, len(self.failed) - 1)


def diagnose(text: str, client: Client, now: datetime) -> Diagnosis:
    """Return what is wrong with the pasted assertion or request of the client; store nothing.

    Raises `Refused` when the text contains no assertion.
    """
    paste = read_paste(text)
    keys = _keys_of(client, now)
    expectation = expectation_of(client, keys, now, looking_up_jti=True)
    examination = examine(paste.assertion, expectation)
    unverified = examination.unverified
    by_kid = {key.kid: key for key in keys}
    return Diagnosis(
        checks=(
            *map(_of_problem, paste.problems),
            *_of_client_id(paste, unverified),
            *examination.checks,
        ),
        decoded=unverified is not None,
        header=decode_members(unverified.header, now) if unverified else [],
        claims=decode_members(unverified.claims, now) if unverified else [],
        signed_by=by_kid.get(examination.signed_by or ""),
        named=by_kid.get((unverified and unverified.unverified_kid) or ""),
        audience=_audience(examination, expectation),
    )


def _of_problem(problem: Problem) -> CheckResult:
    """Return a problem of the request as a check that failed."""
    return CheckResult(
        "request",
        "Request",
        CheckOutcome.FAIL,
        problem.seen,
        problem.expected,
        problem.reason,
        problem.fix,
    )


def _of_client_id(paste: Paste, unverified: UnverifiedAssertion | None) -> Iterator[CheckResult]:
    """Yield what is wrong with the parameter client_id beside the assertion, if it is present."""
    given = paste.request.parameters.get("client_id", ("",))[0]
    refused = why_of_another(given, unverified) if given and unverified else None
    if refused:
        yield _of_problem(Problem(refused.reason, refused.found, refused.needed))


def _keys_of(client: Client, now: datetime) -> list[ClientKey]:
    """Return all live keys, which the token endpoint may try, and the newest of the others."""
    live = list(client.keys.live(now).select_related("client").order_by("-pk"))
    others = ClientKey.objects.exclude(pk__in=[key.pk for key in live]).prefetch_related("client")
    return [*live, *newest_of(others, "client", client.pk)[:_MAX_PAST_KEYS]]


def _audience(examination: Examination, expectation: Expectation) -> Difference | None:
    """Return how a refused audience differs from the issuer; None if it is long or unsafe."""
    failed = any(
        each.name == "aud" and each.outcome == CheckOutcome.FAIL for each in examination.checks
    )
    seen = examination.unverified.claims.get("aud") if examination.unverified else None
    if not (failed and isinstance(seen, str) and brief(seen) == seen):
        return None
    return difference(seen, [expectation.issuer])
