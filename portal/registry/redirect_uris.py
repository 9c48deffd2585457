"""Where people may be sent with an authorization code (RFC 6749 §3.1.2, RFC 9700 §2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from portal.registry.refusals import UnfitInput
from portal.registry.texts import clean_line

MAX_REDIRECT_URIS: Final = 20
MAX_LENGTH: Final = 500


def clean_redirect_uris(uris: Sequence[str]) -> list[str]:
    """Return the addresses as given, each of them once; raise `UnfitInput`.

    They begin with https://, or with http:// on the person's own machine (RFC 8252 §7.3), and have
    no fragment (RFC 6749 §3.1.2) and no user.
    """
    cleaned = list(dict.fromkeys(uri.strip() for uri in uris))
    if len(cleaned) > MAX_REDIRECT_URIS:
        message = f"There are {len(cleaned)} addresses; please give at most {MAX_REDIRECT_URIS}."
        raise UnfitInput(message, field="redirect_uris")
    for uri in cleaned:
        clean_line(uri, field="redirect_uris", limit=MAX_LENGTH)
        problem = _problem(uri)
        if problem:
            raise UnfitInput(f"“{uri}” {problem}", field="redirect_uris")
    return cleaned


def _problem(uri: str) -> str:
    """Return what is wrong with one address as the rest of a sentence, empty when nothing is."""
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address such as https://app.example.com/callback."
    if not uri.isascii() or not uri.isprintable() or set(uri) & set(' "<>\\^`{|}'):
        return "has characters that no address has; please write them percent-encoded."
    if not host or parts.username is not None or parts.password is not None:
        return "is not an address such as https://app.example.com/callback."
    if "#" in uri:
        return "has a fragment (#), which no redirect address may have."
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return ""
    return "must begin with https://; with http:// only on one's own machine (localhost)."


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
