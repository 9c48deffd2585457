"""Explain the reason of a refused token request, and what to do about it."""

from __future__ import annotations

from typing import Final

from portal.core.assertion import EXPLANATIONS, Explanation

_OF_ASSERTIONS: Final = {str(reason): each for reason, each in EXPLANATIONS.items()}


def explanation_of(reason: str) -> Explanation:
    """Return the explanation of a recorded reason.

    For a reason that this release does not know, such as one of a later release, it shows the code.
    """
    known = _OF_ASSERTIONS.get(reason) or _GRANT_ERRORS.get(reason)
    return known or Explanation(f"The request was refused: {reason}", "", "")


def explained_reasons() -> list[tuple[str, str]]:
    """Return each reason that this release records, with the title of its explanation."""
    known = _OF_ASSERTIONS | _GRANT_ERRORS
    return sorted(((code, each.title) for code, each in known.items()), key=lambda pair: pair[1])


_SIGNED_IN: Final = "The client authenticated: its assertion was valid, and is now used."
_GRANT_ERRORS: Final = {
    "invalid_grant": Explanation(
        "Invalid code or refresh token",
        f"{_SIGNED_IN} Its authorization code or refresh token is unknown, expired, already "
        "used or issued to another client, or its redirect_uri or PKCE code_verifier does not "
        "match the code.",
        "Use each code once and within a minute, with the redirect_uri and code_verifier of "
        "its authorization request. After each refresh, keep only the new refresh token.",
    ),
    "invalid_scope": Explanation(
        "Invalid scope",
        f"{_SIGNED_IN} It requested a scope that it has no right to, or that was not granted "
        "before.",
        "Request only scopes on the client's Settings page. A refresh can request only scopes "
        "that were granted before. An admin can add rights.",
    ),
    "unauthorized_client": Explanation(
        "Grant type not allowed",
        f"{_SIGNED_IN} It has no right to use this grant type.",
        "Use a grant type on the client's Settings page. For authorization_code, the client "
        "also needs a redirect URI. An admin can add rights.",
    ),
    "unsupported_grant_type": Explanation(
        "Unsupported grant type",
        f"{_SIGNED_IN} This server does not support its grant_type.",
        "Set grant_type to authorization_code, refresh_token or client_credentials.",
    ),
    "invalid_request": Explanation(
        "Incomplete request",
        f"{_SIGNED_IN} A parameter of its grant is missing or invalid.",
        "Send grant_type. With authorization_code, also send code, redirect_uri and "
        "code_verifier. With refresh_token, also send refresh_token. An empty parameter counts "
        "as missing.",
    ),
    "invalid_target": Explanation(
        "Invalid resource",
        f"{_SIGNED_IN} It requested a token for a resource that it has no right to (RFC 8707).",
        "Omit the parameter resource, or send a resource on the client's Settings page. An "
        "admin can add rights.",
    ),
}
"""The codes of RFC 6749 §5.2 and RFC 8707 §2, for a refused grant of an authenticated client."""
