"""Reads a token request in text form: its first line, its headers, and its body as parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote_plus

from portal.core.strict import json as json_strict

Parameters = dict[str, tuple[str, ...]]

# The version is missing in the .http files of editors; `>` is what curl -v writes before a line.
_FIRST_LINE: Final = re.compile(r"(?:> )?([A-Z]{3,7}) (/\S*|https?://\S+)(?: HTTP/[0-9.]+)?\r?\n")
_FORM: Final = re.compile(
    r"(?:client_assertion(?:_type)?|client_id|client_secret|grant_type|scope|resource|code"
    r"|code_verifier|redirect_uri|refresh_token|token|token_type_hint)="
)
_URL: Final = re.compile(r"https?://[^\s?]++\?(?=\S*(?:client_assertion|grant_type)=)\S++")
_MAX_PARAMETERS: Final = 100

HTTP: Final = "an HTTP request"
"""The kind of a text that shows every header of its request."""


@dataclass(frozen=True, slots=True)
class RequestText:
    """The relevant parts of a request, as far as the text shows them.

    `kind` names the text that held it. `is_whole` means that the text is a whole request, so that
    what is not in it is missing. `assumed` names the parameters whose value is a variable.
    """

    kind: str = ""
    parameters: Parameters = field(default_factory=dict)
    authorization: str = ""
    content_type: str = ""
    is_json: bool = False
    method: str = ""
    url: str = ""
    is_whole: bool = False
    assumed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, kind: str, headers: Iterable[str], body: str) -> RequestText:
        """Return the whole request with these header lines and this body."""
        named = dict(_header(line) for line in headers)
        parameters = json_parameters(body)
        return cls(
            kind,
            form_parameters(body) if parameters is None else parameters,
            named.get("authorization", ""),
            named.get("content-type", ""),
            parameters is not None,
            is_whole=True,
        )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def looks_like_http(text: str) -> bool:
    """Tell whether a text is an HTTP/1.1 request message (RFC 9112 §2.1)."""
    return _FIRST_LINE.match(text) is not None


def read_http(text: str) -> RequestText:
    """Return the request of an HTTP message, which `looks_like_http` has recognized."""
    lines = [line.removeprefix("> ").strip() for line in text.splitlines()]
    method, target, *_version = lines[0].split(" ")
    end = lines.index("") if "" in lines else len(lines)
    request = RequestText.of(HTTP, lines[1:end], "\n".join(lines[end + 1 :]))
    host = dict(map(_header, lines[1:end])).get("host", "")
    url = f"//{host}{target}" if target.startswith("/") else target
    return replace(request, method=method, url=url)


def looks_like_url(text: str) -> bool:
    """Tell whether a text is a URL with the parameters of a token request."""
    return _URL.fullmatch(text) is not None


def read_url(text: str) -> RequestText:
    """Return the request of a URL, whose parameters are in the query."""
    return RequestText("a URL", url=text, is_whole=True)


def query_parameters(url: str) -> Parameters:
    """Return the parameters in the query of a URL."""
    return form_parameters(url.partition("?")[2].partition("#")[0])


def looks_like_form(text: str) -> bool:
    """Tell whether a text is a form body that begins with a parameter of OAuth."""
    return _FORM.match(text) is not None


def form_parameters(body: str) -> Parameters:
    """Return the parameters of a form body, which may have line breaks after ampersands."""
    parameters: Parameters = {}
    for each in body.split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS]:
        name, equals, value = each.strip().partition("=")
        if equals:
            key = unquote_plus(name.strip())
            parameters[key] = (*parameters.get(key, ()), unquote_plus(value))
    return parameters


def json_parameters(body: str) -> Parameters | None:
    """Return the parameters of a body that is a JSON object, or None if it is not one."""
    if not body.lstrip().startswith("{"):
        return None
    try:
        value = json_strict.loads(body)
    except json_strict.NotJson:
        return None
    if not isinstance(value, dict):
        return None
    return {name: (each,) for name, each in value.items() if isinstance(each, str)}
