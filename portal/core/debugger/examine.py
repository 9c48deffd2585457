"""Every check of an assertion, each with what was seen and what was expected: the debugger's view.

It goes through the list that `verify` goes through, and goes on where `verify` stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.core.assertion.checks.order import CHECKS, READABLE
from portal.core.assertion.context import AssertionContext, Check
from portal.core.assertion.expectation import Expectation
from portal.core.assertion.explanations.by_reason import EXPLANATIONS
from portal.core.assertion.unverified import UnverifiedAssertion, parse_unverified
from portal.core.debugger.notes import note_on
from portal.core.debugger.signers import find_signer
from portal.core.reasons import Reason, Refused


class CheckOutcome(StrEnum):
    """How a check came out. It is skipped when a check that it needs has not held."""

    PASS = "pass"  # noqa: S105 - the name of an outcome
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check and how it came out.

    `fix`, `note` (what is particular about this assertion) and `command` are there when it failed.
    """

    name: str
    title: str
    outcome: CheckOutcome
    seen: str = ""
    expected: str = ""
    reason: Reason | None = None
    fix: str = ""
    note: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that can be said of an assertion. `signed_by` is the kid of the key that verifies it."""

    checks: tuple[CheckResult, ...]
    unverified: UnverifiedAssertion | None = None
    signed_by: str | None = None

    @property
    def refusal(self) -> CheckResult | None:
        """The first check that failed: what `verify` refuses the assertion for."""
        return next((each for each in self.checks if each.outcome is CheckOutcome.FAIL), None)

    @property
    def verified(self) -> bool:
        """Whether every check held."""
        return self.refusal is None


def examine(data: bytes | str, expectation: Expectation) -> Examination:
    """Return every check of an assertion; nothing is raised, redeemed or kept."""
    try:
        unverified = parse_unverified(data)
    except Refused as refused:
        first = _failed(READABLE, "Form", refused.reason, (refused.found, refused.needed))
        rest = (CheckResult(check.name, check.title, CheckOutcome.SKIPPED) for check in CHECKS)
        return Examination((first, *rest))
    context = AssertionContext(unverified, expectation)
    signer = find_signer(context)
    results = [CheckResult(READABLE, "Form", CheckOutcome.PASS, "header.claims.signature")]
    held = {READABLE}
    for check in CHECKS:
        result = _result(check, context, held)
        if result.outcome is CheckOutcome.PASS:
            held.add(check.name)
        results.append(result)
    signed_by = signer.key.kid if signer and signer.exact else None
    return Examination(tuple(results), unverified, signed_by)


def _result(check: Check, context: AssertionContext, held: set[str]) -> CheckResult:
    if not held.issuperset(check.needs):
        return CheckResult(check.name, check.title, CheckOutcome.SKIPPED)
    reason = check.run(context)
    texts = check.describe(context, reason)
    if reason is None:
        return CheckResult(check.name, check.title, CheckOutcome.PASS, *texts)
    return _failed(check.name, check.title, reason, texts, note_on(context, check.name, reason))


def _failed(
    name: str, title: str, reason: Reason, texts: tuple[str, str], note: str = ""
) -> CheckResult:
    words = EXPLANATIONS[reason]
    return CheckResult(
        name, title, CheckOutcome.FAIL, *texts, reason, words.fix, note, words.command
    )
