"""Reads the request of a curl command, as far as the command alone shows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote_plus

from portal.core.debugger.request_text import RequestText

_CONTINUED: Final = re.compile(r"[\\^`]\r?\n")  # of a shell, of cmd.exe and of PowerShell
_CARET: Final = re.compile(r"\^(.)", re.DOTALL)  # cmd.exe escapes with it
_MAX_QUOTED: Final = 24 * 1024
"""How many characters are parsed as a shell does, at a microsecond per character."""

_SHORT: Final = {
    "-d": "--data", "-F": "--form", "-H": "--header", "-u": "--user", "-X": "--request",
    "-e": "--referer", "-x": "--proxy", "-A": "--user-agent", "-o": "--output", "-b": "--cookie",
}  # fmt: skip
_PLAIN: Final = frozenset({"--data", "--data-raw", "--data-binary", "--data-ascii"})
_IGNORED: Final = frozenset(
    {"--referer", "--proxy", "--user-agent", "--output", "--cookie", "--cacert", "--cert", "--key"}
)
_VALUED: Final = (
    _PLAIN
    | _IGNORED
    | {
        "--data-urlencode",
        "--form",
        "--form-string",
        "--header",
        "--json",
        "--oauth2-bearer",
        "--request",
        "--url",
        "--user",
    }
)
_NAMES: Final = {"client_assertion", "client_assertion_type", "grant_type", "scope"}
"""The parameters that a file may hold."""

_URL: Final = re.compile(r"https?://|[\w.-]{1,99}(?::[0-9]{1,5})?/", re.ASCII)


def looks_like_curl(text: str) -> bool:
    """Tell whether a text is a curl command."""
    return re.match(r"([$>#] +)?(curl|curl\.exe)\s", text) is not None


@dataclass(slots=True)
class _Seen:
    fields: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    json_body: str = ""
    method: str = ""
    url: str = ""
    in_query: bool = False
    from_files: set[str] = field(default_factory=set)


def read_curl(text: str) -> RequestText:
    """Return the request of a curl command. Files that the command names are not read."""
    seen = _Seen()
    for option, value in _options(_words(text)):
        _take(seen, option, value)
    if seen.json_body:
        seen.headers.append("Content-Type: application/json")
    body = seen.json_body or "&".join(each for each in seen.fields if each)
    url = f"{seen.url}?" if seen.in_query and "?" not in seen.url else seen.url
    has_body = bool(seen.json_body or seen.fields)
    method = seen.method or ("POST" if has_body and not seen.in_query else "GET")
    request = RequestText.of("a curl command", seen.headers, body)
    assumed = frozenset(seen.from_files - request.parameters.keys())
    return replace(request, method=method, url=url, assumed=assumed)


def _take(seen: _Seen, option: str, value: str) -> None:
    name, at, _file = value.partition("@")
    if option in {*_PLAIN, "--data-urlencode"} and at and "=" not in name:
        seen.from_files |= {name} if name else _NAMES
        seen.fields.append("")
    elif option in _PLAIN:
        seen.fields.append(value)
    elif option == "--data-urlencode":
        seen.fields.append(_encoded(value))
    elif option == "--json":
        seen.json_body += value
    elif option in {"--form", "--form-string"}:
        seen.fields.append(_encoded(value))
        seen.headers.append("Content-Type: multipart/form-data")
    elif option == "--header":
        seen.headers.append(value)
    elif option == "--user":
        seen.headers.append("Authorization: Basic")  # its presence is enough
    elif option == "--oauth2-bearer":
        seen.headers.append("Authorization: Bearer")
    elif option == "--request":
        seen.method = value.upper()
    elif option == "--get":
        seen.in_query = True
    elif option == "--url":
        seen.url = seen.url or value


def _words(text: str) -> list[str]:
    plain = _CONTINUED.sub(" ", text).replace("$'", "'")
    if '^"' in plain:
        plain = _CARET.sub(r"\1", plain)
    if len(plain) <= _MAX_QUOTED:
        with suppress(ValueError):  # an unclosed quotation mark: the copy is incomplete
            return shlex.split(plain)
    return plain.replace("'", " ").replace('"', " ").split()


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the options with their values; a URL among the words is the value of `--url`."""
    waiting = iter(words[1:])
    for word in waiting:
        name, equals, value = word.partition("=")
        if name in _VALUED and equals:
            yield name, value
        elif word in {"-G", "--get"}:
            yield "--get", ""
        elif word[:2] in _SHORT and len(word) > 2:
            yield _SHORT[word[:2]], word[2:].removeprefix("=")
        elif (option := _SHORT.get(word, word)) in _VALUED:
            yield option, next(waiting, "")
        elif _URL.match(word):
            yield "--url", word


def _encoded(value: str) -> str:
    """Return a field with its value encoded, from name=content or content alone."""
    name, equals, content = value.partition("=")
    return (
        f"{name}={quote_plus(content, errors='replace')}"
        if equals
        else quote_plus(value, errors="replace")
    )
