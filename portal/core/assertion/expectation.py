"""What an assertion is compared with: the client, its keys, this server's names, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.core.lifecycle import LIVE, KeyStatus

MAX_LIFETIME_S: Final = 300
"""The longest lifetime of an assertion, in seconds: "under 5 minutes" (RFC 7523 §3 point 4)."""

LEEWAY_S: Final = 30
"""How far the client's clock may be ahead of ours, in seconds (FAPI 2.0 §5.3.2.1)."""


@dataclass(frozen=True, slots=True)
class CandidateKey:
    """A registered key that may have signed the assertion.

    `alg` is the algorithm it is registered for, `pem` its SubjectPublicKeyInfo; `status` and
    `since` are as `Lifecycle` returns them for the moment of the decision.
    """

    kid: str
    alg: str
    pem: str
    status: KeyStatus = KeyStatus.ACTIVE
    since: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the key is accepted."""
        return self.status in LIVE


def never_seen(_jti: str) -> datetime | None:
    """Return None: the endpoint detects a used jti when it consumes the jti, atomically."""
    return None


@dataclass(frozen=True, slots=True)
class Expectation:
    """The values that the assertion must match.

    `issuer` is the accepted audience. If `token_endpoint` is not empty, it is accepted too, as is
    an array of one string (never with the typ client-authentication+jwt). `keys` holds keys of this
    client: the one that `kid` names, or without a kid the live keys; the debugger passes all. `now`
    is in seconds since 1970. `first_seen` returns when a jti of this client was used, or None.
    """

    client_id: str
    issuer: str
    keys: tuple[CandidateKey, ...]
    now: float
    token_endpoint: str = ""
    suspended: bool = False
    first_seen: Callable[[str], datetime | None] = never_seen
