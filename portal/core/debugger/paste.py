"""Reads a paste into the debugger: an assertion, alone or inside the failed request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from portal.core.assertion.explanations.by_reason import EXPLANATIONS
from portal.core.assertion.token_request import client_assertion_of
from portal.core.assertion.unverified import MAX_ASSERTION_BYTES
from portal.core.debugger.curl import looks_like_curl, read_curl
from portal.core.debugger.request_text import (
    RequestText,
    form_parameters,
    json_parameters,
    looks_like_http,
    read_http,
)
from portal.core.formats.layers import MAX_UNDONE_BYTES
from portal.core.private.detect import refuse_private
from portal.core.public_key import PublicKey
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

MAX_PASTE_BYTES: Final = 64 * 1024
"""An assertion has at most 16 KiB; a copied curl command contains much more."""

# The look-behind lets a match begin only at the start of a run of letters.
_DOTTED: Final = re.compile(r"(?<![A-Za-z0-9_=.-])[A-Za-z0-9_=-]*+(?:\.[A-Za-z0-9_=-]*+){2,}")
_PUBLIC: Final = re.compile(r'-----BEGIN [A-Z0-9 ]*PUBLIC KEY|"kty"\s*:|^(ssh-|ecdsa-)', re.ASCII)
_VARIABLE: Final = re.compile(r"\$\{?[A-Za-z_(]|%[A-Za-z_]+%|<[a-z _-]+>", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with how the assertion is sent, which its checks do not see."""

    reason: Reason
    seen: str = ""
    expected: str = ""

    @property
    def title(self) -> str:
        """The problem in a few words."""
        return EXPLANATIONS[self.reason].title

    @property
    def fix(self) -> str:
        """How to fix it."""
        return EXPLANATIONS[self.reason].fix


@dataclass(frozen=True, slots=True)
class Paste:
    """An assertion extracted from a paste, and the problems with the text around it.

    `request` holds the parameters and headers around it; it is empty for a bare assertion.
    """

    assertion: str
    request: RequestText
    problems: tuple[Problem, ...] = ()


def read_paste(text: str) -> Paste:
    """Return the assertion in a paste of at most `MAX_PASTE_BYTES`.

    Raise `Refused`, and no other exception, whatever the input: for a private key, which is
    searched for first, and for anything but an assertion. The refusal contains nothing of the
    paste.
    """
    result = _judge(text)
    # From here on, a traceback that prints variables cannot contain the paste.
    del text
    if isinstance(result, Refused):
        raise result
    return result


def _judge(text: str) -> Paste | Refused:
    try:
        return _read(text)
    except Refused as refusal:
        # The exception chain and the traceback hold frames and errors with the paste: drop both.
        refusal.__cause__ = refusal.__context__ = None
        return refusal.with_traceback(None)


def _read(text: str) -> Paste:
    data = text[: MAX_PASTE_BYTES + 1].encode("utf-8", "surrogatepass")
    refuse_private(data[:MAX_PASTE_BYTES])
    if len(data) > MAX_PASTE_BYTES:
        raise Refused(
            Reason.TOO_LARGE,
            found="This is more than 64 KiB.",
            needed="Paste only the assertion, or the request that contains it.",
        )
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise _refused(Reason.ASSERTION_EMPTY, "The field is empty.")
    request = _request(text)
    if request is None:
        _refuse_other(text)
        paste = _cleaned(text, RequestText(), [])
    else:
        paste = _of_request(text, request)
    _refuse_private_inside(paste.assertion)
    return paste


def _request(text: str) -> RequestText | None:
    if looks_like_curl(text):
        return read_curl(text)
    if looks_like_http(text):
        return read_http(text)
    parameters = json_parameters(text)
    if parameters and {"client_assertion", "grant_type"} & parameters.keys():
        return RequestText(parameters, is_json=True)
    if re.search(r"(^|&|\s)(client_assertion(_type)?|grant_type)=", text):
        return RequestText(form_parameters(text))
    return None


def _refuse_other(text: str) -> None:
    """Raise `Refused` if the text is a certificate, a public key, or not an assertion at all.

    Bare bytes may be a private key. The refusal then carries its public keys (`leaked`).
    """
    if "-----BEGIN CERTIFICATE" in text:
        raise _refused(Reason.PASTED_CERTIFICATE, "This is a certificate.")
    if _PUBLIC.search(text):
        raise _refused(Reason.PASTED_PUBLIC_KEY, "This is a public key.")
    if len(text) > MAX_UNDONE_BYTES or _find_token(text):
        return
    leaked: tuple[PublicKey, ...] = ()
    try:
        parse_public_key(text)
    except Refused as refused:
        if refused.reason in {Reason.PRIVATE_KEY, Reason.SHARED_SECRET}:
            raise
        if refused.choices:
            raise _refused(Reason.PASTED_PUBLIC_KEY, "These are public keys.") from None
        leaked = refused.leaked
    else:
        raise _refused(Reason.PASTED_PUBLIC_KEY, "This is a public key.")
    if "." not in text and not text.startswith("{"):
        raise _refused(Reason.PASTED_NO_ASSERTION, "This text contains no assertion.", leaked)


def _of_request(text: str, request: RequestText) -> Paste:
    problems = []
    if request.is_json or "json" in request.content_type.lower():
        problems.append(Problem(Reason.JSON_BODY))
    elif "multipart" in request.content_type.lower():
        problems.append(Problem(Reason.MULTIPART_BODY))
    try:
        client_assertion_of(request.parameters, authorization=request.authorization)
    except Refused as refused:
        problems.append(Problem(refused.reason, refused.found, refused.needed))
    given = request.parameters.get("client_assertion", ("",))[0]
    if _VARIABLE.match(given.strip()):
        raise _refused(
            Reason.PASTED_NO_ASSERTION, "This request contains a variable instead of the assertion."
        )
    if not given.strip():
        given = _find_token(text)
        if not given:
            raise _refused(Reason.PASTED_NO_ASSERTION, "This request contains no assertion.")
    return _cleaned(given, request, problems)


def _find_token(text: str) -> str:
    """Return the first three dot-separated parts that begin like a JWT, or an empty string.

    A single pattern would start at each eyJ and scan to the end of the text from there.
    """
    for run in _DOTTED.findall(text):
        parts = run.split(".")
        for header, claims, signature in zip(parts, parts[1:], parts[2:], strict=False):
            _before, found, rest = header.partition("eyJ")
            if found:
                return f"eyJ{rest}.{claims}.{signature}"
    return ""


def _cleaned(given: str, request: RequestText, problems: list[Problem]) -> Paste:
    """Remove what people often add around or inside an assertion, so that the checks can run."""
    text = given.strip()
    if text[:1] in {'"', "'"} or text[-1:] in {'"', "'"}:
        problems.append(Problem(Reason.ASSERTION_QUOTED))
        text = text.strip("\"'").strip()
    if text[:7].lower() == "bearer ":
        problems.append(Problem(Reason.ASSERTION_BEARER_PREFIX))
        text = text[7:].strip()
    if not text.startswith("{") and len(text.split(None, 1)) > 1:
        problems.append(Problem(Reason.ASSERTION_WHITE_SPACE))
        text = "".join(text.split())
    return Paste(text, request, tuple(problems))


def _refuse_private_inside(assertion: str) -> None:
    """Refuse a private key in the header or claims, because the page shows them decoded."""
    if len(assertion) <= MAX_ASSERTION_BYTES:
        for part in assertion.split(".")[:2]:
            refuse_private(base64url.decode_url(part.rstrip("=")) or b"")


def _refused(reason: Reason, found: str, leaked: tuple[PublicKey, ...] = ()) -> Refused:
    return Refused(reason, found=found, needed=EXPLANATIONS[reason].fix, leaked=leaked)
