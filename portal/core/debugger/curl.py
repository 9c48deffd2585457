"""Reads the request of a curl command, as far as the command alone shows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import quote_plus

from portal.core.debugger.request_text import RequestText

_CONTINUED: Final = re.compile(r"[\\^`]\r?\n")  # of a shell, of cmd.exe and of PowerShell
_MAX_QUOTED: Final = 24 * 1024
"""How many characters are parsed as a shell does, at a microsecond per character."""

_SHORT: Final = {"-d": "--data", "-F": "--form", "-H": "--header", "-u": "--user"}
_PLAIN: Final = frozenset({"--data", "--data-raw", "--data-binary", "--data-ascii"})
_VALUED: Final = _PLAIN | {
    "--data-urlencode", "--form", "--form-string", "--header", "--user", "--json",
    "--oauth2-bearer",
}  # fmt: skip


def looks_like_curl(text: str) -> bool:
    """Tell whether a text is a curl command."""
    return re.match(r"(\$ +)?(curl|curl\.exe)\s", text) is not None


def read_curl(text: str) -> RequestText:
    """Return the request of a curl command. Files that the command names are not read."""
    fields: list[str] = []
    headers: list[str] = []
    json_body, multipart = "", False
    for option, value in _options(_words(text)):
        if option in _PLAIN:
            fields.append(value)
        elif option == "--data-urlencode":
            fields.append(_encoded(value))
        elif option == "--json":
            json_body += value
        elif option in {"--form", "--form-string"}:
            fields.append(_encoded(value))
            multipart = True
        elif option == "--header":
            headers.append(value)
        elif option == "--user":
            headers.append("Authorization: Basic")  # its presence is enough
        else:
            headers.append("Authorization: Bearer")
    if multipart:
        headers.append("Content-Type: multipart/form-data")
    if json_body:
        headers.append("Content-Type: application/json")
    return RequestText.of(headers, json_body or "&".join(fields))


def _words(text: str) -> list[str]:
    plain = _CONTINUED.sub(" ", text).replace("$'", "'")
    if len(plain) <= _MAX_QUOTED:
        with suppress(ValueError):  # an unclosed quotation mark: the copy is incomplete
            return shlex.split(plain)
    return plain.replace("'", " ").replace('"', " ").split()


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if name in _VALUED and equals:
            yield name, value
        elif word[:2] in _SHORT and len(word) > 2:
            yield _SHORT[word[:2]], word[2:].removeprefix("=")
        elif (option := _SHORT.get(word, word)) in _VALUED:
            yield option, next(waiting, "")


def _encoded(value: str) -> str:
    """Return a field with its value encoded, from name=content or content alone."""
    name, equals, content = value.partition("=")
    return (
        f"{name}={quote_plus(content, errors='replace')}"
        if equals
        else quote_plus(value, errors="replace")
    )
