"""The published key set (JWKS, RFC 7517 §5) as a pure function of the keys and the time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from portal.core.lifecycle import Lifecycle
from portal.core.placeholder_key import PLACEHOLDER_KEY


@dataclass(frozen=True, slots=True)
class PublishableKey:
    """A registered key with what publishing needs.

    `jwk` is what `published_jwk` returned; `extended` as in `Algorithm.extended`.
    """

    kid: str
    jwk: Mapping[str, str]
    lifecycle: Lifecycle
    extended: bool = False


def jwk_set(keys: Iterable[PublishableKey], now: datetime, *, extended: bool) -> bytes:
    """Return the JWKS of the keys that are live now: compact JSON, sorted by kid, stable bytes.

    The default set omits extended keys, which break whole families of verifiers. A set without a
    live key holds `PLACEHOLDER_KEY`, because PyJWT keeps the old keys if `keys` is empty.
    """
    live = [key for key in keys if key.lifecycle.is_live(now) and (extended or not key.extended)]
    members = [key.jwk for key in sorted(live, key=lambda key: key.kid)] or [PLACEHOLDER_KEY]
    body = {"keys": [dict(sorted(jwk.items())) for jwk in members]}
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def etag(body: bytes) -> str:
    """Return the strong entity tag of a body, quoted (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()}"'
