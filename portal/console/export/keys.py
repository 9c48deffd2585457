"""The export of keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from portal.console.export.table import Table, timestamp
from portal.console.filters import KeyFilter
from portal.registry.models import ClientKey

_COLUMNS: Final = {
    "kid": "the key's kid, the SHA-256 thumbprint of its JWK (RFC 7638)",
    "label": "the key's label",
    "client_id": "client_id of the client",
    "client_name": "the client's current name",
    "client_suspended_at": "when an admin suspended the client; empty if it is not suspended",
    "alg": "the algorithm (RFC 7518)",
    "kty": "the key type",
    "size": "the size: bits, or the name of the curve",
    "spki_sha256": "SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal",
    "status": "status at the time of the export: active, revoked …",
    "registered_at": "time of the registration, in UTC (RFC 3339), as all times",
    "registered_by": "e-mail address of the person who registered the key",
    "not_before": "when the key becomes live; empty if at once",
    "expires_at": "when it expires; empty if never",
    "confirmed_at": "when the client proved possession of the private key",
    "retires_at": "when it leaves the JWKS; empty if nobody has retired it",
    "revoked_at": "when it was revoked",
    "revocation_reason": "why, as a fixed code such as compromised",
    "revocation_note": "the note of the revocation",
    "last_used_at": "when the portal last accepted an assertion of the key; empty if never",
}


def _rows(keys: Sequence[ClientKey], now: datetime) -> Iterator[dict[str, Any]]:
    return (_row(key, now) for key in keys)


def _row(key: ClientKey, now: datetime) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "label": key.label,
        "client_id": key.client.client_id,
        "client_name": key.client.name,
        "client_suspended_at": timestamp(key.client.suspended_at),
        "alg": key.alg,
        "kty": key.kty,
        "size": key.size,
        "spki_sha256": key.spki_sha256,
        "status": key.lifecycle.status(now),
        "registered_at": timestamp(key.registered_at),
        "registered_by": key.registered_by.email,
        "not_before": timestamp(key.not_before),
        "expires_at": timestamp(key.expires_at),
        "confirmed_at": timestamp(key.confirmed_at),
        "retires_at": timestamp(key.retires_at),
        "revoked_at": timestamp(key.revoked_at),
        "revocation_reason": key.revocation_reason,
        "revocation_note": key.revocation_note,
        "last_used_at": timestamp(key.last_used_at),
    }


KEYS: Final = Table("keys", KeyFilter, _COLUMNS, _rows, related=("registered_by",))
