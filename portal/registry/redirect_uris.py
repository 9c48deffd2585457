"""Redirect URIs: validation and matching (RFC 6749 §3.1.2, RFC 9700 §2.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from portal.registry.errors import UnfitInput

MAX_REDIRECT_URIS: Final = 20
MAX_LENGTH: Final = 500

_HOST: Final = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
"""RFC 3986 §3.2.2 without the characters that no real host has."""

_LOOPBACK: Final = re.compile(
    r"(?P<host>http://(127\.0\.0\.1|\[::1\]))(:(?P<port>[0-9]{1,5}))?(?P<rest>([/?].*)?)", re.ASCII
)
"""RFC 8252 §7.3: only IP literals and http. §8.3 advises against the name localhost."""

_LAST_PORT: Final = 65535


def clean_redirect_uris(uris: Sequence[str]) -> list[str]:
    """Return the redirect URIs as given, without duplicates. Raises `UnfitInput`.

    Each starts with https://, or with http:// for a loopback host (RFC 8252 §7.3), and has no
    fragment (RFC 6749 §3.1.2) and no userinfo.
    """
    cleaned = list(dict.fromkeys(uri.strip() for uri in uris))
    if len(cleaned) > MAX_REDIRECT_URIS:
        message = f"These are {len(cleaned)} redirect URIs. Enter at most {MAX_REDIRECT_URIS}."
        raise UnfitInput(message, field="redirect_uris")
    for uri in cleaned:
        if len(uri) > MAX_LENGTH:
            message = f"A redirect URI has {len(uri)} characters. Use at most {MAX_LENGTH}."
            raise UnfitInput(message, field="redirect_uris")
        problem = _problem(uri)
        if problem:
            raise UnfitInput(f"“{uri}” {problem}", field="redirect_uris")
    return cleaned


def _problem(uri: str) -> str:
    """Return what is wrong with the URI, as the rest of a sentence. Empty if nothing is."""
    if not uri.isascii() or not uri.isprintable() or set(uri) & set(' "<>\\^`{|}'):
        return "contains characters that a URI cannot contain. Percent-encode them."
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URI such as https://app.example.com/callback."
    if not host or parts.scheme not in {"https", "http"}:
        return "is not a URI such as https://app.example.com/callback."
    if "#" in uri:
        return "has a fragment (#). A redirect URI cannot have one."
    if not _HOST.fullmatch(parts.netloc):
        return "can contain only a host and a port between // and the path."
    if parts.scheme == "http" and not _is_loopback(host):
        return "must start with https://. Only localhost can use http://."
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_registered(uri: str, registered: Sequence[str]) -> bool:
    """Return whether the URI equals a registered one, compared as strings (RFC 9700 §4.1.3).

    A loopback URI may have any port, because a native app cannot choose it (RFC 8252 §7.3).
    """
    return uri in registered or _without_port(uri) in set(map(_without_port, registered)) - {None}


def _without_port(uri: str) -> str | None:
    """Return a loopback URI without its port, or None for any other URI."""
    found = _LOOPBACK.fullmatch(uri)
    if found is None or not 0 < int(found["port"] or 80) <= _LAST_PORT:
        return None
    return found["host"] + found["rest"]
