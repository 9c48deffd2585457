"""The search box of the console: convert a query to the rows it finds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict

from portal.accounts.models import User
from portal.console.decorators import AdminRequest
from portal.core.reasons import NOT_SHOWN_AGAIN, Refused
from portal.registry.actions import read_key
from portal.registry.key_policy import fingerprint_here
from portal.registry.models import Client, ClientKey
from portal.registry.paging import IndexFilter, newest_of

MAX_QUERY: Final = 100
"""The maximum length. No name, label or id is longer; SHA-256 in hex with colons has 95."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHA256_START: Final = re.compile(r"[0-9a-f]{8,64}")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_KID_START: Final = re.compile(r"[A-Za-z0-9_-]{4,43}")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{32}")
_MATERIAL: Final = re.compile(r"-----|\{|\[\s*\{|ssh-|ecdsa-|M[C-I][A-Za-z0-9+/=]{46,}$")
"""The start of a PEM, JWK or OpenSSH key, or a whole SPKI or PKCS#8 in bare base64."""
FEW: Final = 1000
"""So many rows are found by their primary keys, in place of a condition."""
_MERGED: Final = 20
"""The keys of so many clients are found client by client, and merged."""


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


@dataclass(frozen=True, slots=True)
class Search:
    """The rows that a query finds. `is_indexed`: an index finds them, because they are few."""

    condition: Q
    is_indexed: bool = True
    index_filter: IndexFilter | None = None
    """Finds the rows in order, in place of the condition."""


def search_keys(query: str) -> Search:
    """Return the keys that match the query.

    A full SHA-256, kid or client_id is exact. Any other text matches the beginning of a kid,
    SHA-256 or client_id, or a part of a label or of a client's name.
    """
    if sha256 := fingerprint_in(query):
        return Search(Q(spki_sha256=sha256))
    if _KID.fullmatch(query):
        return Search(Q(kid=query))
    named = clients_named(query)
    clients = few(Client.objects.filter(named))
    if clients and named == Q(client_id=query.lower()):
        return Search(Q(), index_filter=IndexFilter("client", clients))
    keys = [_text("label", query)]
    if _KID_START.fullmatch(query):
        keys.append(Q(kid__startswith=query))
    plain = query.replace(":", "").lower()
    if _SHA256_START.fullmatch(plain):
        keys.append(Q(spki_sha256__startswith=plain))
    # One query each: for an OR, PostgreSQL may read the whole table.
    found = [few(ClientKey.objects.filter(each)) for each in keys]
    if clients is None or None in found:
        # Looked up for each key: PostgreSQL would rather read all clients with the name first.
        of_clients = Exists(newest_of(Client.objects.filter(named), "id", OuterRef("client")))
        in_clients = Q(of_clients) if clients is None else Q(client__in=clients)
        return Search(_row_by_row(reduce(or_, keys) | in_clients), is_indexed=False)
    ids = [pk for each in found if each for pk in each]
    if clients and not ids and len(clients) <= _MERGED:
        return Search(Q(), index_filter=IndexFilter("client", clients))
    return Search(Q(pk__in=ids) | Q(client__in=clients))


def search_clients(query: str) -> Search:
    """Return the clients that match the query; see `clients_named`."""
    named = clients_named(query)
    found = few(Client.objects.filter(named))
    return (
        Search(_row_by_row(named), is_indexed=False) if found is None else Search(Q(pk__in=found))
    )


def _row_by_row(condition: Q) -> Q:
    """Return the condition in a form for which PostgreSQL uses no index.

    An index on a text that many rows contain is read as a whole, for each page of them.
    """
    return Q(Coalesce(ExpressionWrapper(condition, BooleanField()), Value(value=False)))


def few(rows: QuerySet[Any]) -> list[int] | None:
    """Return the primary keys of the rows, or None if they are more than `FEW`."""
    ids = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return ids if len(ids) <= FEW else None


def clients_named(query: str) -> Q:
    """Return the condition for clients whose name contains, or client_id begins with, the query.

    A whole client_id names only that client.
    """
    if _CLIENT_ID.fullmatch(query) and Client.objects.filter(client_id=query.lower()).exists():
        return Q(client_id=query.lower())
    return _text("name", query) | Q(client_id__startswith=query.lower())


def _text(field: str, query: str) -> Q:
    # Fewer than three characters have no trigram, except at the beginning of a word.
    return Q((f"{field}__icontains" if len(query) >= 3 else f"{field}__istartswith", query))
