"""Assertions that the checks of the header refuse."""

from __future__ import annotations

from portal.core.reasons import Reason
from tests.unit.core.assertion.cases.case import (
    header,
    of,
    without,
)
from tests.unit.core.assertions import (
    CLAIMS,
    assemble,
)

ALGS = (
    "One of PS256, EdDSA, Ed25519, ES256, ES384, ES512, PS384, PS512, Ed448, ML-DSA-44, ML-DSA-65,"
    " ML-DSA-87, RS256, RS384, RS512"
)
TYPES = "client-authentication+jwt, JWT, or none"
KEYS = "No jwk, jku, x5u or x5c: the portal uses only registered keys"

CASES = (
    of(Reason.HEADER_ALG_MISSING, "alg", "No alg", ALGS, without("alg")),
    of(Reason.HEADER_ALG_MISSING, "alg", "null", ALGS, header(alg=None)),
    of(Reason.HEADER_ALG_MISSING, "alg", 'an array: ["ES256"]', ALGS, header(alg=["ES256"])),
    of(Reason.HEADER_ALG_NONE, "alg", "none", ALGS, lambda: assemble({"alg": "none"}, CLAIMS, b"")),
    of(Reason.HEADER_ALG_NONE, "alg", "nOnE", ALGS, header(alg="nOnE")),
    of(Reason.HEADER_ALG_HMAC, "alg", "HS256", ALGS, header(alg="HS256")),
    of(Reason.HEADER_ALG_UNKNOWN, "alg", "es256", ALGS, header(alg="es256")),
    of(Reason.HEADER_ALG_UNKNOWN, "alg", "ES256K", ALGS, header(alg="ES256K")),
    of(Reason.HEADER_ALG_UNKNOWN, "alg", "an empty string", ALGS, header(alg="")),
    of(Reason.HEADER_TYP, "typ", "at+jwt", TYPES, header(typ="at+jwt")),
    of(Reason.HEADER_TYP, "typ", "null", TYPES, header(typ=None)),
    of(Reason.HEADER_TYP, "typ", "text/jwt", TYPES, header(typ="text/jwt")),
    of(
        Reason.HEADER_CRIT,
        "extensions",
        'crit: ["exp"]',
        "No crit, b64 or zip",
        header(crit=["exp"]),
    ),
    of(Reason.HEADER_CRIT, "extensions", "crit: []", "No crit, b64 or zip", header(crit=[])),
    of(Reason.HEADER_B64, "extensions", "b64: true", "No crit, b64 or zip", header(b64=True)),
    of(Reason.HEADER_ZIP, "extensions", "zip: DEF", "No crit, b64 or zip", header(zip="DEF")),
    *(
        of(Reason.HEADER_EMBEDDED_KEY, "embedded", name, KEYS, header(**{name: "x"}))
        for name in ("jwk", "jku", "x5u", "x5c")
    ),
)
