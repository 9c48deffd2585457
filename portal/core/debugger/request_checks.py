"""Checks of the request around an assertion, as far as the paste shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from portal.core.assertion.formatting import brief
from portal.core.assertion.token_request import why_of_another
from portal.core.assertion.unverified import UnverifiedAssertion
from portal.core.debugger.diff import describe_difference
from portal.core.debugger.paste import Problem
from portal.core.debugger.request_text import HTTP, RequestText
from portal.core.reasons import Reason

FORM_TYPE: Final = "application/x-www-form-urlencoded"

_GRANTS: Final = {
    "authorization_code": ("code", "redirect_uri", "code_verifier"),
    "client_credentials": (),
    "refresh_token": ("refresh_token",),
}
"""The parameters that each grant needs (RFC 6749 §4.1.3 and §6, RFC 7636 §4.5)."""


@dataclass(frozen=True, slots=True)
class RequestExpectation:
    """The values that a request of the client must have.

    `other_endpoints` are those that authenticate a client too, for introspection and revocation.
    `grant_types` and `scopes` are those that the client may use.
    """

    token_endpoint: str
    other_endpoints: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]


def check_request(
    request: RequestText, expected: RequestExpectation, unverified: UnverifiedAssertion | None
) -> Iterator[Problem]:
    """Yield the problems of a request, in the order in which to fix them."""
    yield from _of_address(request, expected)
    yield from _of_content_type(request)
    endpoint = _without_query(request.url)
    if request.is_whole and not _is_one_of(endpoint, expected.other_endpoints):
        yield from _of_grant(request, expected)
    client_id = request.parameters.get("client_id", ("",))[0]
    refused = why_of_another(client_id, unverified) if client_id and unverified else None
    if refused:
        yield Problem(refused.reason, refused.found, refused.needed)


def _of_address(request: RequestText, expected: RequestExpectation) -> Iterator[Problem]:
    if request.method not in {"", "POST"}:
        yield Problem(Reason.REQUEST_METHOD, brief(request.method), "POST")
    if not request.url:
        return
    address = _without_query(request.url)
    if not _is_one_of(address, (expected.token_endpoint, *expected.other_endpoints)):
        needed = expected.token_endpoint
        note = "" if _is_template(address) else describe_difference(_whole(address, needed), needed)
        yield Problem(Reason.REQUEST_URL, brief(address), needed, note)
    if "?" in request.url:
        yield Problem(
            Reason.REQUEST_QUERY, "Parameters after the question mark of the URL", "No query"
        )


def _of_content_type(request: RequestText) -> Iterator[Problem]:
    given = request.content_type.partition(";")[0].strip().lower()
    if request.kind == HTTP and not given and not request.is_json:
        yield Problem(Reason.REQUEST_CONTENT_TYPE, "No Content-Type", FORM_TYPE)
    elif given not in {"", FORM_TYPE} and "json" not in given and "multipart" not in given:
        yield Problem(Reason.REQUEST_CONTENT_TYPE, brief(given), FORM_TYPE)


def _of_grant(request: RequestText, expected: RequestExpectation) -> Iterator[Problem]:
    given = {name: values[0] for name, values in request.parameters.items() if values[0]}
    if "token" in given or "grant_type" in request.assumed:
        return  # a request for introspection or revocation, or a variable
    grant = given.get("grant_type", "")
    if not grant:
        yield Problem(Reason.PARAMETER_MISSING, "No grant_type", " or ".join(_GRANTS))
        return
    if grant not in _GRANTS:
        yield Problem(Reason.GRANT_TYPE_UNKNOWN, brief(grant), " or ".join(_GRANTS))
        return
    if grant not in expected.grant_types:
        allowed = " or ".join(expected.grant_types) or "none"
        yield Problem(Reason.GRANT_TYPE_NOT_ALLOWED, grant, f"Of this client: {allowed}")
    missing = [name for name in _GRANTS[grant] if name not in given]
    if missing and not request.kind.endswith("program"):  # there it may come from elsewhere
        yield Problem(
            Reason.PARAMETER_MISSING,
            f"No {' and no '.join(missing)}",
            f"grant_type={grant} needs {', '.join(_GRANTS[grant])}",
        )
    scopes = [each for each in given.get("scope", "").split(" ") if each]
    unknown = [each for each in scopes if each not in expected.scopes]
    if unknown and "scope" not in request.assumed:
        allowed = " ".join(expected.scopes) or "none"
        yield Problem(Reason.SCOPE_NOT_ALLOWED, brief(" ".join(unknown)), f"Of these: {allowed}")


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _is_template(url: str) -> bool:
    return any(sign in url for sign in "{}$<>%")


def _is_one_of(url: str, endpoints: tuple[str, ...]) -> bool:
    """Tell whether a URL is one of the endpoints. One without a host is compared by its path."""
    if _is_template(url):
        return any(url.endswith(_split(endpoint).path) for endpoint in endpoints)
    return any(_whole(url, endpoint) == endpoint for endpoint in endpoints)


def _whole(url: str, endpoint: str) -> str:
    """Return a URL with the scheme and host that it lacks, taken from the endpoint.

    The scheme and host are in lower case (RFC 3986 §6.2.2.1), and a default port is removed.
    """
    if "://" not in url and not url.startswith("/"):
        url = f"//{url}"
    theirs, ours = _split(url), _split(endpoint)
    scheme = theirs.scheme.lower() or ours.scheme
    host = theirs.netloc.lower() or ours.netloc
    host = host.removesuffix({"https": ":443", "http": ":80"}.get(scheme, ""))
    return theirs._replace(scheme=scheme, netloc=host).geturl()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # such as a bracket that is not closed
        return SplitResult("", "", url, "", "")
