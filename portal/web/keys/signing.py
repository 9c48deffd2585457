"""Commands that sign the claims of a challenge: in Python, and in a shell with only openssl.

The signing machine sets `iat` and `exp`, so the challenge tests its clock as well as its key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.formats.spki import COORDINATE_BYTES

LIFETIME_S: Final = 120
"""How long the signed challenge is valid, in seconds."""

_PYJWT: Final = """\
# python3 -m pip install "pyjwt[crypto]"
python3 - <<'END'
import time, jwt
claims = {claims}
claims |= {{"iat": int(time.time()), "exp": int(time.time()) + {lifetime}}}
key = open("private_key.pem").read()
print(jwt.encode(claims, key, algorithm="{alg}", headers={{"kid": "{kid}"}}))
END"""

# PyJWT does not support ML-DSA. `cryptography` signs it; the rest of a JWS is one line (RFC 7515).
_CRYPTOGRAPHY: Final = """\
# python3 -m pip install "cryptography>=48"
python3 - <<'END'
import base64, json, time
from cryptography.hazmat.primitives.serialization import load_pem_private_key
def encode(data): return base64.urlsafe_b64encode(data).rstrip(b"=")
claims = {claims}
claims |= {{"iat": int(time.time()), "exp": int(time.time()) + {lifetime}}}
header = {{"alg": "{alg}", "kid": "{kid}"}}
key = load_pem_private_key(open("private_key.pem", "rb").read(), None)
parts = b".".join(encode(json.dumps(part).encode()) for part in (header, claims))
print((parts + b"." + encode(key.sign(parts))).decode())
END"""

_SHELL: Final = """\
encode() {{ openssl base64 -A | tr '+/' '-_' | tr -d '='; }}
now=$(date +%s)
claims={claims}
header=$(printf %s {header} | encode)
claims=$(printf '%s,"iat":%d,"exp":%d}}' "$claims" "$now" "$((now + {lifetime}))" | encode)
file=$(mktemp)
printf %s "$header.$claims" > "$file"
signature=$({sign} | encode)
rm "$file"
echo "$header.$claims.$signature\""""

_DIGEST: Final = "openssl dgst -sha{hash} -sign private_key.pem"
_RS: Final = f'{_DIGEST} "$file"'
_PS: Final = f'{_DIGEST} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1 "$file"'
# openssl writes a DER signature: two integers. JWS concatenates both at full length (RFC 7518
# §3.4). openssl also turns the hexadecimal digits into bytes, as the content of an octet string.
_ES: Final = f"""
  raw=$({_DIGEST} "$file" | openssl asn1parse -inform DER | awk -F: '/INTEGER/ {{{{
    digits = $NF; while (length(digits) < {{digits}}) digits = "0" digits
    printf "%s", digits }}}}')
  openssl asn1parse -genstr "FORMAT:HEX,OCT:$raw" -noout -out "$file"
  tail -c {{digits}} "$file\""""
_WHOLE: Final = 'openssl pkeyutl -sign -rawin -inkey private_key.pem -in "$file"'


@dataclass(frozen=True, slots=True)
class SigningCommands:
    """Each command signs with `private_key.pem` of the current directory; prints the assertion."""

    python: str
    shell: str
    """Empty for ML-DSA, which openssl before 3.5 cannot read; use the Python command instead."""


def signing_commands(alg: str, kid: str, claims: Mapping[str, str]) -> SigningCommands:
    """Return the commands that sign the claims, with `iat` and `exp` added, for a key of `alg`."""
    header_alg = ALGORITHMS[alg].headers[0]
    python = _CRYPTOGRAPHY if ALGORITHMS[alg].kty == "AKP" else _PYJWT
    header = json.dumps({"alg": header_alg, "kid": kid}, separators=(",", ":"))
    opened = json.dumps(claims, separators=(",", ":")).removesuffix("}")
    shell = _SHELL.format(
        claims=quote(opened), header=quote(header), lifetime=LIFETIME_S, sign=_sign(alg)
    )
    return SigningCommands(
        python=python.format(
            claims=json.dumps(claims, indent=4), lifetime=LIFETIME_S, alg=header_alg, kid=kid
        ),
        shell="" if ALGORITHMS[alg].kty == "AKP" else shell,
    )


def _sign(alg: str) -> str:
    """Return the pipeline that prints the JWS signature of `$file` as raw bytes."""
    size = alg[2:]
    match alg[:2]:
        case "PS":
            return _PS.format(hash=size)
        case "RS":
            return _RS.format(hash=size)
        case "ES":
            return _ES.format(hash=size, digits=2 * COORDINATE_BYTES[ALGORITHMS[alg].curve])
        case _:
            return _WHOLE
