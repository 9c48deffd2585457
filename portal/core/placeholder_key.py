"""The only key of a JWKS without a live key: nobody can know its private key.

PyJWT fails the refresh on an empty `keys` array and keeps the old keys, revoked ones included. A
set of one encryption key is valid for every verifier, and no key in it verifies a signature.
"""

from __future__ import annotations

import hashlib
from typing import Final

from portal.core.formats.spki import ec_key
from portal.core.public_key import Container

# Its hash is the published key, so it never changes.
_SENTENCE: Final = "This JWKS holds no live key. Nobody can know the private half of this one. {}"

# P-256 (SP 800-186 §3.2.1.3): y² = x³ - 3x + b modulo p
_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def _point() -> bytes:
    """Return the first point whose x is the SHA-256 of the sentence and a counter.

    Nobody knows the discrete logarithm of a point derived from a hash, hence its private key.
    """
    counter = 0
    while True:
        x = int.from_bytes(hashlib.sha256(_SENTENCE.format(counter).encode()).digest(), "big")
        y = pow(x**3 - 3 * x + _B, (_P + 1) // 4, _P)
        if x < _P and (y * y - x**3 + 3 * x - _B) % _P == 0:
            return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
        counter += 1


_KEY: Final = ec_key("P-256", _point(), Container.SPKI)

PLACEHOLDER_KEY: Final[dict[str, str]] = _KEY.jwk_members | {"kid": _KEY.thumbprint, "use": "enc"}
"""The JWK of the placeholder: a P-256 key for encryption only."""
