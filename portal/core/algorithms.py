"""The table of signature algorithms: the key that each takes, and how to generate one.

Sources: RFC 7518 §3 (RS, PS, ES), RFC 8037 and RFC 9864 (EdDSA, Ed25519, Ed448), RFC 9964 (ML-DSA).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A JWS algorithm that a key can be registered for.

    `curve` is the JWK `crv` (EC, OKP), or the parameter set (AKP), or empty (RSA). `headers` are
    the values of the JWS `alg` header that a key of this algorithm may be used with. `generate` is
    the openssl command that generates a private key for it, `note` what to know before choosing
    it.
    """

    name: str
    kty: str
    curve: str
    headers: tuple[str, ...]
    generate: str
    note: str = ""
    recommended: bool = False
    legacy: bool = False
    extended: bool = False
    """Only in the extended JWKS: one unknown key type breaks whole verifier families."""


_EC: Final = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{} -out private_key.pem"
_NAMED: Final = "openssl genpkey -algorithm {} -out private_key.pem"


def generate_rsa(bits: int) -> str:
    """Return the openssl command that generates an RSA private key of this size, in bits."""
    return f"openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out private_key.pem"


_RSA: Final = generate_rsa(3072)

PUBLIC_HALF: Final = "openssl pkey -in private_key.pem -pubout -out public_key.pem"
"""The command that derives the public key from any private key."""

OPENSSH_PUBLIC_HALF: Final = "ssh-keygen -y -f id_ed25519 > public_key.pub"
"""The same for a private key in the format of OpenSSH, which openssl cannot read."""

PKCS12_PUBLIC_HALF: Final = "openssl pkcs12 -in keystore.p12 -clcerts -nokeys -out certificate.pem"
"""The certificate in a PKCS#12 keystore; it asks for the password."""

JAVA_PUBLIC_HALF: Final = (
    "keytool -exportcert -rfc -alias client -keystore keystore.jks -file certificate.pem"
)
"""The certificate in a Java keystore; it asks for the password."""

_LEGACY_NOTE: Final = "Older RSA padding. Choose PS256 unless your verifier does not support it."
_EXTENDED_NOTE: Final = (
    "It is published in the extended key set only, as few verifiers know this kind of key: give"
    " them the address of that set."
)
_MLDSA_NOTE: Final = f"Post-quantum: it takes OpenSSL 3.5. {_EXTENDED_NOTE}"
# docs/verifiers.md lists the tested verifiers.
_EDDSA_NOTE: Final = (
    "Half of the verifiers that were tried do not verify EdDSA: Nimbus 9 (Spring and most Java"
    " servers), Apache's mod_oauth2, jsonwebtoken, get-jwks, python-jose, ruby-jwt 2.5, José (C)."
    " With such a key in the set, python-jose and some versions of Spring and FastMCP refuse the"
    " client's other keys too. If you do not know the verifier, create an ES256 key."
)


def _ml_dsa(size: int) -> Algorithm:
    name = f"ML-DSA-{size}"
    return Algorithm(
        name, "AKP", name, (name,), _NAMED.format(name), note=_MLDSA_NOTE, extended=True
    )


ALGORITHMS: Final[dict[str, Algorithm]] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("PS256", "RSA", "", ("PS256",), _RSA, recommended=True),
        # A key registered for either name accepts both headers: RFC 9864 renamed EdDSA to Ed25519
        # and most libraries still send the older name.
        Algorithm(
            "EdDSA",
            "OKP",
            "Ed25519",
            ("EdDSA", "Ed25519"),
            _NAMED.format("ED25519"),
            note=_EDDSA_NOTE,
            recommended=True,
        ),
        Algorithm("ES256", "EC", "P-256", ("ES256",), _EC.format("P-256")),
        Algorithm("ES384", "EC", "P-384", ("ES384",), _EC.format("P-384")),
        Algorithm("ES512", "EC", "P-521", ("ES512",), _EC.format("P-521")),
        Algorithm("PS384", "RSA", "", ("PS384",), _RSA),
        Algorithm("PS512", "RSA", "", ("PS512",), _RSA),
        Algorithm(
            "Ed448",
            "OKP",
            "Ed448",
            ("EdDSA", "Ed448"),
            _NAMED.format("ED448"),
            note=_EXTENDED_NOTE,
            extended=True,
        ),
        _ml_dsa(44),
        _ml_dsa(65),
        _ml_dsa(87),
        Algorithm("RS256", "RSA", "", ("RS256",), _RSA, note=_LEGACY_NOTE, legacy=True),
        Algorithm("RS384", "RSA", "", ("RS384",), _RSA, note=_LEGACY_NOTE, legacy=True),
        Algorithm("RS512", "RSA", "", ("RS512",), _RSA, note=_LEGACY_NOTE, legacy=True),
    )
}
"""Every algorithm by name, in the order of the forms."""
