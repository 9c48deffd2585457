"""Finds the tokens in a text, such as a log line, a program or a link."""

from __future__ import annotations

import re
from typing import Final

from portal.core.assertion.checks.header import TYPED
from portal.core.assertion.unverified import parse_unverified
from portal.core.reasons import Refused

# RFC 7515 §3.1: the header of a JWS begins with `{"`, which is eyJ in base64url.
_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_=-]*+(?:\.[A-Za-z0-9_=-]*+)*+")
# A line break inside a token: the next line has nothing but letters of a token, after the mark that
# a mail or curl -v puts before a line, and begins no token of its own.
_WRAPPED: Final = re.compile(
    r"(?<=[A-Za-z0-9_=.-])[ \t]{0,20}[\\^`]?\r?\n[ \t>]{0,20}(?:(?<=\.\n)|(?<=\.\r\n)|(?!eyJ))"
    r"(?=[A-Za-z0-9_.-]{16,}+=*[ \t\"'`,;)}\]\\^]{0,9}(?:\r?\n|\Z))"
)
_RUN: Final = re.compile(r"eyJ[A-Za-z0-9_.-]*+")
# The look-behind lets a match begin only at the start of a run of letters.
_SHORTENED: Final = re.compile(
    r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_.-]*+\s?(?:…|\*\*\*|[\[<(](?:\.\.\.|cut|snip|truncated|redacted))",
    re.IGNORECASE,
)
_MAX_TOKENS: Final = 20
_LEAST_PART: Final = 20
"""The shortest header is {"alg":"ES256"}, 20 characters."""


def tokens_in(text: str) -> list[str]:
    """Return the distinct tokens with two parts or more, in the order of the text."""
    runs = (match.rstrip(".") if match.count(".") > 2 else match for match in _TOKEN.findall(text))
    return [each for each in dict.fromkeys(runs) if "." in each][:_MAX_TOKENS]


def unwrapped(text: str) -> str:
    """Return the text without the line breaks that separate the letters of a token."""
    return _WRAPPED.sub("", text)


def is_shortened(text: str) -> bool:
    """Tell whether a token in the text is cut short, as logs and documents do: `eyJhbG…`."""
    return _SHORTENED.search(text) is not None or any("..." in run for run in _RUN.findall(text))


def has_part(text: str) -> bool:
    """Tell whether a text contains one part of a token, without a dot."""
    return any(len(run) >= _LEAST_PART for run in _RUN.findall(text))


def assertions_among(tokens: list[str]) -> list[str]:
    """Return the tokens that are client assertions: by their typ, or as iss and sub are equal."""
    return [token for token in tokens if _is_assertion(token)]


def _is_assertion(token: str) -> bool:
    try:
        unverified = parse_unverified(token)
    except Refused:
        return False
    claims = unverified.claims
    same = "sub" in claims and claims.get("iss") == claims["sub"]
    return same or str(unverified.header.get("typ", "")).lower().endswith(TYPED)
