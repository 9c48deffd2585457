"""The challenge that confirms a key: an assertion to sign that no token endpoint accepts.

The portal stores nothing for it. The `jti` is a signed value, bound to the client and the key and
valid for ten minutes. It works once, because a key can be confirmed only once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from portal.core.assertion import CandidateKey, Expectation
from portal.core.debugger import Examination, examine
from portal.registry.models import ClientKey
from portal.registry.paging import newest_of

CHALLENGE_AGE: Final = timedelta(minutes=10)
_MAX_KEYS: Final = 50
"""How many of the client's keys are tried to find the one that signed."""


@dataclass(frozen=True, slots=True)
class ProofResult:
    """What an assertion proves about a key.

    `problem` says which check beyond those of `examination` failed. It is empty if none did.
    """

    examination: Examination
    problem: str = ""

    @property
    def is_proof(self) -> bool:
        """Whether the key can be confirmed."""
        return self.examination.verified and not self.problem


def new_challenge(key: ClientKey, *, audience: str) -> dict[str, str]:
    """Return the claims to sign with the key. The signer adds `iat` and `exp`.

    `audience` is the URL of the key's confirmation page. The token endpoint accepts only its own
    audiences, so the signed assertion cannot authenticate the client.
    """
    client_id = key.client.client_id
    return {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": _signer(key).sign(secrets.token_urlsafe(9)),
    }


def check_proof(key: ClientKey, assertion: str, now: datetime, *, audience: str) -> ProofResult:
    """Return what the assertion proves, by the token endpoint's checks and those of the challenge.

    A key that is not live yet is checked as if it were, because it can be confirmed before then.
    """
    rows = ClientKey.objects.exclude(pk=key.pk)
    others = newest_of(rows, "client", key.client_id)[: _MAX_KEYS - 1]
    expectation = Expectation(
        client_id=key.client.client_id,
        issuer=audience,
        keys=tuple(CandidateKey(each.kid, each.alg, each.pem) for each in [key, *others]),
        now=now.timestamp(),
    )
    examination = examine(assertion, expectation)
    if not examination.verified:
        return ProofResult(examination)
    return ProofResult(examination, _problem(key, examination))


def _problem(key: ClientKey, examination: Examination) -> str:
    """Return why a valid assertion does not confirm this key. Empty if it does."""
    if examination.signed_by != key.kid:
        signer = key.client.keys.filter(kid=examination.signed_by).first()
        return (
            f"It is signed with another key of this client, “{signer}”. Sign with the private "
            f"key of “{key.label}”."
        )
    claims = examination.unverified.claims if examination.unverified else {}
    try:
        _signer(key).unsign(str(claims["jti"]), max_age=CHALLENGE_AGE)
    except SignatureExpired:
        minutes = CHALLENGE_AGE // timedelta(minutes=1)
        return f"The challenge is older than {minutes} minutes. Sign the new one below."
    except BadSignature:
        return "The jti is not a challenge of this page. Sign the claims below unchanged."
    return ""


def _signer(key: ClientKey) -> TimestampSigner:
    return TimestampSigner(salt=f"key-confirmation:{key.client.client_id}:{key.kid}")
