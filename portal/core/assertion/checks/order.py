"""The one list of checks, in the order in which a person would fix what is wrong.

The endpoint (`verify`) and the debugger (`examine`) both go through it, so they cannot disagree.
"""

from __future__ import annotations

from typing import Final

from portal.core.assertion.checks import claims, dates
from portal.core.assertion.checks import header as headers
from portal.core.assertion.checks import key as keys
from portal.core.assertion.checks import signature as signatures
from portal.core.assertion.context import Check

READABLE: Final = "readable"
"""The name of the check before all others, which `peek` makes."""

_OF_KEY: Final = ("alg", "kid", "key")

CHECKS: Final = (
    Check("alg", "Algorithm", headers.judge_alg, headers.tell_alg),
    Check("typ", "Type", headers.judge_typ, headers.tell_typ),
    Check("extensions", "Extensions", headers.judge_extensions, headers.tell_extensions),
    Check("embedded", "Keys in the header", headers.judge_embedded, headers.tell_embedded),
    Check("client", "Client", keys.judge_client, keys.tell_client),
    Check("kid", "Key identifier", keys.judge_kid, keys.tell_kid),
    Check("key", "Registered key", keys.judge_key, keys.tell_key, ("kid",)),
    Check("state", "State of the key", keys.judge_state, keys.tell_state, ("kid", "key")),
    Check("fit", "Algorithm of the key", keys.judge_fit, keys.tell_fit, _OF_KEY),
    Check("iss", "Issuer", claims.judge_iss, claims.tell_iss),
    Check("sub", "Subject", claims.judge_sub, claims.tell_sub),
    Check("aud", "Audience", claims.judge_aud, claims.tell_aud),
    Check("exp", "Expiry", dates.judge_exp, dates.tell_exp),
    Check("iat", "Issued at", dates.judge_iat, dates.tell_iat),
    Check("nbf", "Not before", dates.judge_nbf, dates.tell_nbf),
    Check("lifetime", "Lifetime", dates.judge_lifetime, dates.tell_lifetime, ("exp", "iat")),
    Check("jti", "Identifier", claims.judge_jti, claims.tell_jti),
    Check(
        "signature",
        "Signature",
        signatures.judge_signature,
        signatures.tell_signature,
        (*_OF_KEY, "fit"),
    ),
    Check("fresh", "Used once", claims.judge_fresh, claims.tell_fresh, ("jti",)),
)
