"""The diagnosis of a paste: what to fix, in the order in which a person would fix it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from portal.core.assertion.expectation import Expectation, never_seen
from portal.core.assertion.formatting import brief
from portal.core.debugger.examine import CheckOutcome, CheckResult, Examination, examine
from portal.core.debugger.paste import Paste, Problem
from portal.core.debugger.request_checks import RequestExpectation, check_request
from portal.core.reasons import Reason

_DATES: Final = frozenset({"exp", "iat", "nbf", "lifetime"})


@dataclass(frozen=True)
class Diagnosis:
    """The checks of a paste, the failed ones first.

    `as_of` is the time for which the dates were judged, in seconds since 1970: if an assertion has
    expired since it was created, that time. Otherwise it is None, and they are judged as of now.
    """

    paste: Paste
    examination: Examination
    checks: tuple[CheckResult, ...]
    as_of: float | None = None

    @cached_property
    def failed(self) -> list[CheckResult]:
        """The failed checks, in the order in which to fix them."""
        return [each for each in self.checks if each.outcome is CheckOutcome.FAIL]

    @property
    def passed(self) -> list[CheckResult]:
        """The checks that passed."""
        return [each for each in self.checks if each.outcome is CheckOutcome.PASS]

    @property
    def skipped(self) -> list[CheckResult]:
        """The checks that were not run, because they need one that failed."""
        return [each for each in self.checks if each.outcome is CheckOutcome.SKIPPED]

    @property
    def refusal(self) -> CheckResult | None:
        """The first thing to fix, or None."""
        return next(iter(self.failed), None)

    @property
    def is_only_expired(self) -> bool:
        """Whether nothing is wrong but that the assertion has expired since it was created."""
        return self.as_of is not None and len(self.failed) == 1

    @property
    def shows_request(self) -> bool:
        """Whether the paste shows all of its request: the URL, and no variable."""
        request = self.paste.request
        return request.is_whole and bool(request.url) and not request.assumed

    @property
    def has_grant(self) -> bool:
        """Whether the request has a code or a refresh token, which no check looks up."""
        return not {"code", "refresh_token"}.isdisjoint(self.paste.request.parameters)


def diagnose(paste: Paste, expectation: Expectation, expected: RequestExpectation) -> Diagnosis:
    """Return what is wrong with a paste. Raises nothing and stores nothing."""
    examination = examine(paste.assertion, expectation)
    unverified = examination.unverified
    as_of = _created(unverified.claims, expectation.now) if unverified else None
    checks = examination.checks
    if as_of is not None:
        checks = _judged_at(as_of, paste.assertion, expectation, checks)
    problems = [*paste.problems, *check_request(paste.request, expected, unverified)]
    of_request = tuple(map(_of_problem, problems))
    if paste.request.is_whole and not of_request:
        of_request = (_passed(paste),)
    ordered = sorted(
        (*of_request, *checks),
        key=lambda each: (each.outcome is not CheckOutcome.FAIL, each.reason is Reason.EXPIRED),
    )
    return Diagnosis(paste, examination, tuple(ordered), as_of)


def _created(claims: Mapping[str, object], now: float) -> float | None:
    """Return when an expired assertion was created, if it was valid then; else None."""
    iat: Any = claims.get("iat")
    exp: Any = claims.get("exp")
    if not all(type(each) in {int, float} for each in (iat, exp)):
        return None
    return float(iat) if 0 <= iat < exp <= now else None


def _judged_at(
    as_of: float, assertion: str, expectation: Expectation, checks: tuple[CheckResult, ...]
) -> tuple[CheckResult, ...]:
    """Return the checks with the dates judged as of then, except the expiry since then."""
    then = examine(assertion, replace(expectation, keys=(), now=as_of, first_seen=never_seen))
    dates = {each.name: each for each in then.checks if each.name in _DATES}
    return tuple(
        replace(each, title="Expired since")
        if each.reason is Reason.EXPIRED
        else dates.get(each.name, each)
        for each in checks
    )


def _passed(paste: Paste) -> CheckResult:
    request = paste.request
    seen = " ".join(brief(each) for each in (request.method, request.url) if each)
    kind = f"{request.kind[0].upper()}{request.kind[1:]}"
    return CheckResult("request", "Request", CheckOutcome.PASS, f"{kind} {seen}".strip())


def _of_problem(problem: Problem) -> CheckResult:
    """Return a problem of the request as a check that failed."""
    return CheckResult(
        "request",
        problem.title,
        CheckOutcome.FAIL,
        problem.seen,
        problem.expected,
        problem.reason,
        problem.fix,
        problem.note,
    )
