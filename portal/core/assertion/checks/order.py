"""The list of checks, in the order in which a person would fix the problems.

`verify` runs it for the endpoints of clients, `examine` for the debugger. So they cannot disagree.
"""

from __future__ import annotations

from typing import Final

from portal.core.assertion.checks import claims, dates
from portal.core.assertion.checks import header as headers
from portal.core.assertion.checks import key as keys
from portal.core.assertion.checks import signature as signatures
from portal.core.assertion.context import Check

READABLE: Final = "readable"
"""The name of the first check, which `parse_unverified` performs."""

_OF_KEY: Final = ("alg", "kid", "key")

CHECKS: Final = (
    Check("alg", "Algorithm", headers.check_alg, headers.describe_alg),
    Check("typ", "Type", headers.check_typ, headers.describe_typ),
    Check("extensions", "Extensions", headers.check_extensions, headers.describe_extensions),
    Check("embedded", "Keys in the header", headers.check_embedded, headers.describe_embedded),
    Check("client", "Client", keys.check_client, keys.describe_client),
    Check("kid", "Key identifier", keys.check_kid, keys.describe_kid),
    Check("key", "Registered key", keys.check_key, keys.describe_key, ("kid",)),
    Check("state", "Key status", keys.check_state, keys.describe_state, ("kid", "key")),
    Check("fit", "Key algorithm", keys.check_fit, keys.describe_fit, _OF_KEY),
    Check("iss", "Issuer", claims.check_iss, claims.describe_iss),
    Check("sub", "Subject", claims.check_sub, claims.describe_sub),
    Check("aud", "Audience", claims.check_aud, claims.describe_aud),
    Check("exp", "Expiry", dates.check_exp, dates.describe_exp),
    Check("iat", "Issued at", dates.check_iat, dates.describe_iat),
    Check("nbf", "Not before", dates.check_nbf, dates.describe_nbf),
    Check("lifetime", "Lifetime", dates.check_lifetime, dates.describe_lifetime, ("exp", "iat")),
    Check("jti", "Identifier", claims.check_jti, claims.describe_jti),
    Check(
        "signature",
        "Signature",
        signatures.check_signature,
        signatures.describe_signature,
        (*_OF_KEY, "fit"),
    ),
    Check("fresh", "Used once", claims.check_fresh, claims.describe_fresh, ("jti",)),
)
