"""The search box of the console: convert a query to a filter of rows."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Q
from django.http import QueryDict

from portal.accounts.models import User
from portal.console.decorators import AdminRequest
from portal.core.reasons import NOT_SHOWN_AGAIN, Refused
from portal.registry.actions import read_key
from portal.registry.key_policy import fingerprint_here
from portal.registry.models import Client

MAX_QUERY: Final = 100
"""The maximum length. No name, label or id is longer; SHA-256 in hex with colons has 95."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHA256_START: Final = re.compile(r"[0-9a-f]{8,64}")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_KID_START: Final = re.compile(r"[A-Za-z0-9_-]{4,43}")
_MATERIAL: Final = re.compile(r"-----|\{|\[\s*\{|ssh-|ecdsa-|M[C-I][A-Za-z0-9+/=]{46,}$")
"""The start of a PEM, JWK or OpenSSH key, or a whole SPKI or PKCS#8 in bare base64."""
_CLIENTS_AT_ONCE: Final = 1000


def as_text(sent: QueryDict, name: str) -> str:
    """Return the value as text, which it always is; the type of QueryDict also allows lists."""
    return str(sent.get(name, ""))


def fingerprint_in(text: str) -> str:
    """Return the text as a SHA-256 (lower-case hex, no colons), or "" if it is not one."""
    plain = text.strip().replace(":", "").lower()
    return plain if _SHA256.fullmatch(plain) else ""


def read_search(request: AdminRequest) -> tuple[QueryDict, Refused | None]:
    """Return the posted data with `q` as `parse_query` returns it, and the refusal or None.

    The data no longer contains a private key, or text that may be one.
    """
    asked = request.POST.copy()
    try:
        asked["q"] = parse_query(as_text(asked, "q"), by=request.user)
    except Refused as refused:
        if refused.reason in NOT_SHOWN_AGAIN:
            asked["q"] = ""
        return asked, refused
    return asked, None


def parse_query(text: str, *, by: User) -> str:
    """Return what to search for: the text itself, or for a pasted key its SHA-256.

    So a pasted key never reaches a URL, a history or a log. Raises `Refused` for text that looks
    like a key and cannot be read. The public key of a pasted private key is also blocked.
    """
    text = text.strip()
    if not fingerprint_in(text) and (len(text) > MAX_QUERY or _MATERIAL.match(text)):
        return fingerprint_here(read_key(text, by=by, client=None))
    return text


def to_key_filter(query: str) -> Q:
    """Return the condition for keys that match the query.

    A full SHA-256 or kid matches one key. Any other text matches the beginning of a kid, SHA-256
    or client_id, or a part of a label or of a client's name.
    """
    if sha256 := fingerprint_in(query):
        return Q(spki_sha256=sha256)
    if _KID.fullmatch(query):
        return Q(kid=query)
    found = _text("label", query)
    if _KID_START.fullmatch(query):
        found |= Q(kid__startswith=query)
    plain = query.replace(":", "").lower()
    if _SHA256_START.fullmatch(plain):
        found |= Q(spki_sha256__startswith=plain)
    clients = Client.objects.filter(to_client_filter(query)).order_by().values_list("pk", flat=True)
    few = list(clients[: _CLIENTS_AT_ONCE + 1])
    # In an OR the database uses its indexes for a list of values, but not for a subquery. With so
    # many clients, a scan of the newest keys soon fills a page.
    return found | Q(client__in=few if len(few) <= _CLIENTS_AT_ONCE else clients)


def to_client_filter(query: str) -> Q:
    """Return the condition for clients whose name contains, or client_id begins with, the query."""
    return _text("name", query) | Q(client_id__startswith=query.lower())


def _text(field: str, query: str) -> Q:
    # Fewer than three characters have no trigram, except at the beginning of a word.
    return Q((f"{field}__icontains" if len(query) >= 3 else f"{field}__istartswith", query))
