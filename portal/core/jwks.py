"""The published key set (JWKS, RFC 7517 §5) as a pure function of the keys and the time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from portal.core.placeholder import PLACEHOLDER


@dataclass(frozen=True, slots=True)
class PublishableKey:
    """A registered key as publishing sees it: its JWK and the dates that decide whether it is live.

    `jwk` is what `published_jwk` gave; `extended` as in `Algorithm.extended`. All dates are aware;
    None means that there is no such date (for `not_before`: from the beginning).
    """

    kid: str
    jwk: Mapping[str, str]
    extended: bool = False
    not_before: datetime | None = None
    expires_at: datetime | None = None
    retires_at: datetime | None = None
    revoked_at: datetime | None = None
    confirmed: bool = True
    """Whether nobody waits for a proof that the private half is at hand."""

    def is_live(self, now: datetime) -> bool:
        """Tell whether the key is published now: `not_before` is inclusive, ends are exclusive."""
        if not self.confirmed:
            return False
        begun = self.not_before is None or self.not_before <= now
        ends = (self.expires_at, self.retires_at)
        # Revoked is revoked, also when the clock that wrote the date was ahead of ours.
        return begun and self.revoked_at is None and all(end is None or now < end for end in ends)


def jwk_set(keys: Iterable[PublishableKey], now: datetime, *, extended: bool) -> bytes:
    """Return the JWKS of the keys that are live now: compact JSON, sorted by kid, stable bytes.

    The default set leaves out extended keys, which break whole families of verifiers. A set without
    a live key holds `PLACEHOLDER`, because PyJWT keeps the old keys when `keys` is empty.
    """
    live = [key for key in keys if key.is_live(now) and (extended or not key.extended)]
    members = [key.jwk for key in sorted(live, key=lambda key: key.kid)] or [PLACEHOLDER]
    body = {"keys": [dict(sorted(jwk.items())) for jwk in members]}
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def etag(body: bytes) -> str:
    """Return the strong entity tag of a body, quoted (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()}"'
