"""What the reason of a refused token request means, and what to do about it."""

from __future__ import annotations

from typing import Final

from portal.core.assertion import EXPLANATIONS, Explanation

_OF_ASSERTIONS: Final = {str(reason): each for reason, each in EXPLANATIONS.items()}


def explanation_of(reason: str) -> Explanation:
    """Return the explanation of a recorded reason.

    One that this release does not know, from a later one perhaps, is called by its code.
    """
    known = _OF_ASSERTIONS.get(reason) or _GRANT_ERRORS.get(reason)
    return known or Explanation(f"The request was refused: {reason}", "", "")


_SIGNED_IN: Final = "The client signed in: its assertion was right, and is used up now."
_GRANT_ERRORS: Final = {
    "invalid_grant": Explanation(
        "The code or refresh token was not valid",
        f"{_SIGNED_IN} What it gave for the token was not valid: the authorization code or refresh "
        "token is unknown, too old, used already or of another client, or the redirect address or "
        "the PKCE code_verifier is not the one that belongs to the code.",
        "Use each code once and within a minute, with the redirect_uri and code_verifier of the "
        "same sign-in. After each refresh keep the new refresh token and drop the old one.",
    ),
    "invalid_scope": Explanation(
        "The scope was not valid",
        f"{_SIGNED_IN} It asked for a scope that it may not ask for, or that was not given before.",
        "Ask only for the scopes on the client's Settings page, and when refreshing for none that "
        "was not given before. An admin of the portal can let the client ask for more.",
    ),
    "unauthorized_client": Explanation(
        "The client may not use this grant",
        f"{_SIGNED_IN} It is not allowed to get tokens in this way.",
        "Use a grant type that is on the client's Settings page; for authorization_code the client "
        "needs a redirect address too. An admin of the portal can let the client use more.",
    ),
    "unsupported_grant_type": Explanation(
        "The grant type is not supported",
        f"{_SIGNED_IN} The grant_type is one that this server does not have.",
        "Send grant_type as authorization_code, refresh_token or client_credentials.",
    ),
    "invalid_request": Explanation(
        "The request was incomplete",
        f"{_SIGNED_IN} The request lacks a parameter that its grant needs, or has one wrongly.",
        "Send grant_type; with authorization_code send code, redirect_uri and code_verifier, with "
        "refresh_token send refresh_token. A parameter without a value is as if it were not sent.",
    ),
    "invalid_target": Explanation(
        "The resource was not valid",
        f"{_SIGNED_IN} It asked a token for a resource that it may not ask for (RFC 8707).",
        "Leave the parameter resource out, or send a resource that is on the client's Settings "
        "page. An admin of the portal can let the client ask for more.",
    ),
}
"""The codes of RFC 6749 §5.2 and RFC 8707 §2, for when the grant is refused after the sign-in."""
