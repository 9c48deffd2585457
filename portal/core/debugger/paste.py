"""Reads a paste into the debugger: an assertion, alone or inside the failed request."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from portal.core.assertion.explanations.by_reason import EXPLANATIONS
from portal.core.assertion.token_request import ASSERTION_TYPE, client_assertion_of
from portal.core.assertion.unverified import MAX_ASSERTION_BYTES
from portal.core.debugger.curl import looks_like_curl, read_curl
from portal.core.debugger.program import authorization_in, read_program
from portal.core.debugger.request_text import (
    RequestText,
    form_parameters,
    json_parameters,
    looks_like_form,
    looks_like_http,
    looks_like_url,
    query_parameters,
    read_http,
    read_url,
)
from portal.core.debugger.tokens import (
    assertions_among,
    has_part,
    is_shortened,
    tokens_in,
    unwrapped,
)
from portal.core.formats.layers import MAX_UNDONE_BYTES
from portal.core.private.detect import refuse_private
from portal.core.public_key import PublicKey
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

MAX_PASTE_BYTES: Final = 64 * 1024
"""An assertion has at most 16 KiB; a copied curl command contains much more."""

_BARE: Final = re.compile(r"[A-Za-z0-9_=+/-]*\.[A-Za-z0-9_=+/.\s-]*")
_LEAST_LINE: Final = 16
_SPACE: Final = re.compile(r"\s")
_ENCODED: Final = re.compile(r"%(?:3D|26|22|2E)", re.IGNORECASE)
_ESCAPES: Final = (
    ('\\"', '"'), ("\\/", "/"), ("\\r", ""), ("\\n", "\n"), ("\\u0026", "&"), ("\\u003d", "="),
)  # fmt: skip
_PUBLIC: Final = re.compile(r'-----BEGIN [A-Z0-9 ]*PUBLIC KEY|"kty"\s*:|^(ssh-|ecdsa-)', re.ASCII)
_VARIABLE: Final = re.compile(r"\$\{?[A-Za-z_(]|%[A-Za-z_]+%|<[a-z _-]+>|\{\{", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with how the assertion is sent, which its checks do not see."""

    reason: Reason
    seen: str = ""
    expected: str = ""
    note: str = ""

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
    request = _strict_request(text)
    if request is not None:
        paste = _of_request(text, request)
    elif _is_bare(text):
        paste = _cleaned(text, RequestText(), [])
    else:
        _refuse_other(text)
        paste = _of_text(unwrapped(_plain(text)))
    _refuse_private_inside(paste.assertion)
    return paste


def _strict_request(text: str) -> RequestText | None:
    """Return the request of a text that is a request and nothing else."""
    if looks_like_curl(text):
        return read_curl(text)
    if looks_like_http(text):
        return read_http(text)
    if looks_like_url(text):
        return read_url(text)
    parameters = json_parameters(text)
    if parameters and {"client_assertion", "grant_type"} & parameters.keys():
        return RequestText("a JSON object", parameters, is_json=True, is_whole=True)
    if looks_like_form(text):
        return RequestText("a form body", form_parameters(text), is_whole=True)
    return None


def _is_bare(text: str) -> bool:
    """Tell whether a text is an assertion alone, perhaps damaged: the checks say how."""
    if text.startswith("{"):
        return '"payload"' in text and '"signature' in text
    inner = text.strip("\"'")
    inner = inner[7:] if inner[:7].lower() == "bearer " else inner
    if is_shortened(inner):
        return False
    if not _SPACE.search(inner):
        # Letters that an assertion cannot have, such as an invisible one, are for the checks.
        starts = inner.startswith("eyJ") and not inner.isascii()
        return "." in inner and (starts or _BARE.fullmatch(inner) is not None)
    return (
        inner.lstrip().startswith("eyJ")
        and _BARE.fullmatch(inner) is not None
        and _is_wrapped(inner)
        and sum(token.count(".") > 1 for token in tokens_in(inner)) < 2
    )


def _is_wrapped(text: str) -> bool:
    """Tell whether the words are the lines of one token, and not a token and a sentence."""
    first, *others = text.split()
    if first.count(".") < 2 or not others:
        return True
    lines = others[:-1] or others  # only the last line of several may be short
    return all(len(line) >= _LEAST_LINE for line in lines)


def _plain(text: str) -> str:
    """Undo what JSON and URLs do to the text of a request inside them."""
    if "\\" in text:
        for escape, letter in _ESCAPES:
            text = text.replace(escape, letter)
    return unquote(text) if _ENCODED.search(text) else text


def _of_text(text: str) -> Paste:
    """Return the one assertion in a program, an export, a log line or a link."""
    request = read_program(text) or RequestText("a text", authorization=authorization_in(text))
    if request.kind == "a text" and request.authorization:
        problem = Problem(Reason.ASSERTION_BEARER_PREFIX, "An Authorization header")
        return _cleaned(_one_token(text, request), request, [problem])
    return _of_request(text, request)


def _refuse_other(text: str) -> None:
    """Raise `Refused` if the text is a certificate, a public key, or not an assertion at all.

    Bare bytes may be a private key. The refusal then carries its public keys (`leaked`).
    """
    if "-----BEGIN CERTIFICATE" in text:
        raise _refused(Reason.PASTED_CERTIFICATE, "This is a certificate.")
    if _PUBLIC.search(text):
        raise _refused(Reason.PASTED_PUBLIC_KEY, "This is a public key.")
    if len(text) > MAX_UNDONE_BYTES or tokens_in(text):
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
    if leaked:
        raise _nothing_in(text, "text", leaked)


def _of_request(text: str, request: RequestText) -> Paste:
    parameters = query_parameters(request.url) | request.parameters
    request = replace(request, parameters=parameters)
    problems = []
    if request.is_json or "json" in request.content_type.lower():
        problems.append(Problem(Reason.JSON_BODY))
    elif "multipart" in request.content_type.lower():
        problems.append(Problem(Reason.MULTIPART_BODY))
    given = request.parameters.get("client_assertion", ("",))[0].strip()
    if _VARIABLE.match(given):
        given = ""
    assertion = given or _one_token(text, request)
    if is_shortened(given):
        raise _shortened()
    if " " in given and "+" in text and given[:7].lower() != "bearer ":
        given = given.replace(" ", "+")  # an unescaped plus sign of base64 in a form
    if problem := _problem_of(request, assertion):
        problems.append(problem)
    return _cleaned(given or assertion, request, problems)


def _problem_of(request: RequestText, assertion: str) -> Problem | None:
    """Return why the endpoint would find no client assertion in the request, or None.

    A text that is not a whole request is judged by what is in it, not by what it lacks.
    """
    parameters = request.parameters
    assumed = request.assumed
    if not request.is_whole:
        assumed |= {"client_assertion", "client_assertion_type"}
    defaults = {"client_assertion": (assertion,), "client_assertion_type": (ASSERTION_TYPE,)}
    parameters = {name: defaults[name] for name in defaults if name in assumed} | parameters
    try:
        client_assertion_of(parameters, authorization=request.authorization)
    except Refused as refused:
        return Problem(refused.reason, refused.found, refused.needed)
    return None


def _one_token(text: str, request: RequestText) -> str:
    """Return the one token of the text that is an assertion, or raise `Refused`."""
    text = _plain(text)
    tokens = tokens_in(text)
    if is_shortened(text):
        raise _shortened()
    if len(tokens) > 1:
        tokens = assertions_among(tokens)
        if len(tokens) != 1:
            raise _refused(Reason.PASTED_SEVERAL, "This text contains several tokens.")
    if tokens:
        return tokens[0]
    what = "request" if request.is_whole else "text"
    if "client_assertion" in request.parameters or "client_assertion" in request.assumed:
        raise _refused(
            Reason.PASTED_NO_ASSERTION,
            f"This {what} contains a variable or a file instead of the assertion.",
        )
    raise _nothing_in(text, what)


def _nothing_in(text: str, what: str, leaked: tuple[PublicKey, ...] = ()) -> Refused:
    """Return the refusal of a text without an assertion. `what` is the text in a word."""
    if has_part(text):
        found = f"This {what} contains only one part of a token, without dots."
        return _refused(Reason.PASTED_SHORTENED, found, leaked)
    return _refused(Reason.PASTED_NO_ASSERTION, f"This {what} contains no assertion.", leaked)


def _shortened() -> Refused:
    return _refused(Reason.PASTED_SHORTENED, "The token in this text is shortened.")


def _cleaned(given: str, request: RequestText, problems: list[Problem]) -> Paste:
    """Remove what people often add around or inside an assertion, so that the checks can run."""
    text = given.strip()
    if text[:1] in {'"', "'"} or text[-1:] in {'"', "'"}:
        problems.append(Problem(Reason.ASSERTION_QUOTED))
        text = text.strip("\"'").strip()
    if text[:7].lower() == "bearer ":
        problems.append(Problem(Reason.ASSERTION_BEARER_PREFIX))
        text = text[7:].strip()
    if text.startswith("{"):
        return Paste(text, request, tuple(problems))
    if len(text.split(None, 1)) > 1:
        problems.append(Problem(Reason.ASSERTION_WHITE_SPACE))
        text = "".join(text.split())
    if "+" in text or "/" in text:
        problems.append(Problem(Reason.ASSERTION_BASE64URL, "+ or / in the assertion"))
        text = text.replace("+", "-").replace("/", "_")
    if "=" in text:
        problems.append(Problem(Reason.ASSERTION_PADDED, "An equals sign: base64 with padding"))
        text = text.replace("=", "")
    return Paste(text, request, tuple(problems))


def _refuse_private_inside(assertion: str) -> None:
    """Refuse a private key in the header or claims, because the page shows them decoded."""
    if len(assertion) <= MAX_ASSERTION_BYTES:
        for part in assertion.split(".")[:2]:
            refuse_private(base64url.decode_url(part.rstrip("=")) or b"")


def _refused(reason: Reason, found: str, leaked: tuple[PublicKey, ...] = ()) -> Refused:
    return Refused(reason, found=found, needed=EXPLANATIONS[reason].fix, leaked=leaked)
