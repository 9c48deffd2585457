"""Commands that sign the claims of a challenge: in Python, and in a shell.

The signing machine sets `iat` and `exp`, so the challenge tests its clock as well as its key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.web.keys.key_stores import FILE, SERVICES, KeyStore
from portal.web.keys.snippets import render, signing_context

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


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """The command for a shell that signs with a key in this place."""

    store: KeyStore
    text: str

    @property
    def label(self) -> str:
        """What the page calls it for screen readers."""
        return f"the {self.store.title} command"


@dataclass(frozen=True, slots=True)
class SigningCommands:
    """Each command prints the assertion.

    `python` and the first of `shells` sign with `private_key.pem` of the current directory, the
    others with a key service. For ML-DSA no shell signs with a file, as openssl before 3.5 cannot
    read it.
    """

    python: str
    shells: tuple[ShellCommand, ...]


def signing_commands(alg: str, kid: str, claims: Mapping[str, str]) -> SigningCommands:
    """Return the commands that sign the claims, with `iat` and `exp` added, for a key of `alg`."""
    header_alg = ALGORITHMS[alg].headers[0]
    python = _CRYPTOGRAPHY if ALGORITHMS[alg].kty == "AKP" else _PYJWT
    header = json.dumps({"alg": header_alg, "kid": kid}, separators=(",", ":"))
    opened = json.dumps(claims, separators=(",", ":")).removesuffix("}")
    values = {"header": quote(header), "claims": quote(opened), "lifetime": LIFETIME_S}
    stores = SERVICES if ALGORITHMS[alg].kty == "AKP" else (FILE, *SERVICES)
    return SigningCommands(
        python=python.format(
            claims=json.dumps(claims, indent=4), lifetime=LIFETIME_S, alg=header_alg, kid=kid
        ),
        shells=tuple(
            ShellCommand(
                store, render("challenge.txt", signing_context(alg, store) | values).rstrip()
            )
            for store in stores
            if alg in store.algorithms
        ),
    )
