"""Reads a token request in text form: its headers, and its body as parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from portal.core.strict import json as json_strict

_FIRST_LINE: Final = re.compile(r"[A-Z]{3,7} \S+ HTTP/[0-9.]+\r?\n")
_MAX_PARAMETERS: Final = 100


@dataclass(frozen=True, slots=True)
class RequestText:
    """The relevant parts of a request: two headers, the parameters, and whether it is JSON."""

    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    authorization: str = ""
    content_type: str = ""
    is_json: bool = False

    @classmethod
    def of(cls, headers: Iterable[str], body: str) -> RequestText:
        """Return the request with these header lines and this body."""
        named = dict(_header(line) for line in headers)
        parameters = json_parameters(body)
        return cls(
            form_parameters(body) if parameters is None else parameters,
            named.get("authorization", ""),
            named.get("content-type", ""),
            parameters is not None,
        )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def looks_like_http(text: str) -> bool:
    """Tell whether a text is an HTTP/1.1 request message (RFC 9112 §2.1)."""
    return _FIRST_LINE.match(text) is not None


def read_http(text: str) -> RequestText:
    """Return the request of an HTTP/1.1 message."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    return RequestText.of(head.split("\n")[1:], body)


def form_parameters(body: str) -> dict[str, tuple[str, ...]]:
    """Return the parameters of a form body, which may have line breaks after ampersands."""
    parameters: dict[str, tuple[str, ...]] = {}
    for each in body.split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS]:
        name, equals, value = each.strip().partition("=")
        if equals:
            key = unquote_plus(name.strip())
            parameters[key] = (*parameters.get(key, ()), unquote_plus(value))
    return parameters


def json_parameters(body: str) -> dict[str, tuple[str, ...]] | None:
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
