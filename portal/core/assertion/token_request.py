"""Finds the client assertion in a token request (RFC 7521 §4.2, RFC 6749 §3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from portal.core.assertion.formatting import brief
from portal.core.assertion.unverified import UnverifiedAssertion
from portal.core.private.detect import refuse_private
from portal.core.reasons import Reason, Refused

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2."""

_LONGEST_SCHEME: Final = 20
"""How many characters of an Authorization header are searched for its scheme."""

MAX_LOOKED_AT: Final = 16 * 1024
"""How many characters of a request are searched for a private key: the longest key is shorter."""

_SHORTEST_KEY: Final = 43
"""The shortest recognizable private key: 32 bytes are 43 characters of base64url."""

_REPEATABLE: Final = frozenset({"resource"})
"""RFC 8707 §2: the only parameter that may be repeated."""


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """The assertion of a token request, as sent, and the parameter client_id if any."""

    assertion: str
    client_id: str | None = None


def client_assertion_of(
    parameters: Mapping[str, Sequence[str]], *, authorization: str = ""
) -> ClientAssertion:
    """Return the client assertion of a token request.

    `parameters` come from the form body, `authorization` is the value of that header. Raise
    `Refused`: PARAMETER_REPEATED, CLIENT_SECRET, SEVERAL_AUTH_METHODS, ASSERTION_MISSING or
    ASSERTION_TYPE_WRONG.
    """
    # RFC 6749 §3.2: a parameter without a value counts as omitted.
    valued = {name: [value for value in values if value] for name, values in parameters.items()}
    for name, values in valued.items():
        if len(values) > 1 and name not in _REPEATABLE:
            raise Refused(
                Reason.PARAMETER_REPEATED,
                found=f"The parameter {brief(name)}, {len(values)} times.",
                needed="Each parameter once (RFC 6749 §3.2).",
            )
    given = {name: values[0] for name, values in valued.items() if values}
    _one_method(given, authorization)
    if "client_assertion" not in given:
        raise Refused(
            Reason.ASSERTION_MISSING,
            found="No client_assertion in the form body.",
            needed="A client_assertion and its client_assertion_type.",
        )
    kind = given.get("client_assertion_type")
    if kind != ASSERTION_TYPE:
        raise Refused(
            Reason.ASSERTION_TYPE_WRONG,
            found=brief(kind) if kind else "No client_assertion_type",
            needed=ASSERTION_TYPE,
        )
    return ClientAssertion(given["client_assertion"], given.get("client_id"))


def why_of_another(client_id: str, unverified: UnverifiedAssertion) -> Refused | None:
    """Return why an assertion cannot be sent with this parameter client_id, or None.

    RFC 7521 §4.2: the parameter is optional, and names the client of the assertion.
    """
    named = unverified.unverified_client_id
    if named in {client_id, None} or named != unverified.claims.get("iss"):
        return None  # if iss and sub differ, the checks report it better
    return Refused(
        Reason.CLIENT_ID_MISMATCH,
        found=f"client_id is {brief(client_id)}, iss and sub are {brief(named)}",
        needed="One client ID in all three.",
    )


def _one_method(given: Mapping[str, str], authorization: str) -> None:
    """RFC 6749 §2.3: one authentication method per request; here it is the assertion."""
    scheme = authorization.strip()[:_LONGEST_SCHEME].partition(" ")[0].lower()
    others = []
    if "client_secret" in given:
        others.append("client_secret")
    if scheme:
        others.append("an Authorization header")
    found = f"The request contains {' and '.join(others)}."
    if "client_assertion" in given:
        if others:
            raise Refused(
                Reason.SEVERAL_AUTH_METHODS,
                found=found,
                needed="Only the client assertion: the portal supports no other authentication "
                "method.",
            )
    elif "client_secret" in given or scheme == "basic":
        raise Refused(
            Reason.CLIENT_SECRET,
            found=found,
            needed="A client_assertion and its client_assertion_type, and no secret.",
        )


def private_key_in(
    parameters: Mapping[str, Sequence[str]], *, beside_assertion: bool = False
) -> Refused | None:
    """Return the refusal of a private key in the parameters of a request, or None.

    Searches the first `MAX_LOOKED_AT` characters of the parameters that are long enough, names
    included, the assertion first; with `beside_assertion`, not the assertion.
    """
    texts = [*parameters.get("client_assertion", ())] if not beside_assertion else []
    for name, values in parameters.items():
        if name not in {"client_assertion", "client_assertion_type"}:
            texts += (name, *values)
    text = "\n".join(each for each in texts if len(each) >= _SHORTEST_KEY)[:MAX_LOOKED_AT]
    found = _private_key_in(text) if text else None
    if found and not found.leaked and " " in text:
        # Form decoding turns an unescaped plus sign of base64 into a space.
        return _private_key_in(text.replace(" ", "+")) or found
    return found


def _private_key_in(text: str) -> Refused | None:
    try:
        refuse_private(text.encode("utf-8", "replace"))
    except Refused as refused:
        if refused.reason == Reason.PRIVATE_KEY:
            return refused.with_traceback(None)  # its frames hold the text
    return None
