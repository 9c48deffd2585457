"""Why a key is refused: one list of reasons for the form, the command line and the debugger."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.core.keys import PublicKey


class Reason(StrEnum):
    """A stable code for each way a key can be refused. Events store them: never rename one."""

    # What was given is not a public key
    PRIVATE_KEY = "private_key"
    SHARED_SECRET = "shared_secret"  # noqa: S105 - the name of a reason
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_TEXT = "not_text"
    NO_KEY_FOUND = "no_key_found"
    NO_HEADER_LINES = "no_header_lines"
    INCOMPLETE_BLOCK = "incomplete_block"
    SEVERAL_BLOCKS = "several_blocks"
    UNKNOWN_BLOCK = "unknown_block"
    BAD_BASE64 = "bad_base64"
    BAD_DER = "bad_der"
    BAD_JWK = "bad_jwk"
    BAD_CERTIFICATE = "bad_certificate"
    BAD_OPENSSH_KEY = "bad_openssh_key"
    LABEL_MISMATCH = "label_mismatch"
    TRAILING_DATA = "trailing_data"
    KEY_LENGTH = "key_length"

    # It is some other thing that people have at hand
    DER_BINARY = "der_binary"
    CERTIFICATE_REQUEST = "certificate_request"
    PGP_KEY = "pgp_key"
    SSH2_KEY = "ssh2_key"
    PKCS7 = "pkcs7"
    PARAMETERS_ONLY = "parameters_only"
    XML_KEY = "xml_key"
    TOKEN = "token"  # noqa: S105 - the name of a reason
    URL = "url"

    # It is a public key, of a kind that cannot be used here
    KEY_TYPE_UNSUPPORTED = "key_type_unsupported"
    CURVE_UNSUPPORTED = "curve_unsupported"
    EC_EXPLICIT_PARAMETERS = "ec_explicit_parameters"
    EC_COMPRESSED_POINT = "ec_compressed_point"
    RSA_PSS_PARAMETERS = "rsa_pss_parameters"
    NOT_FOR_SIGNING = "not_for_signing"

    # It is of the right kind and must not be trusted
    RSA_TOO_SHORT = "rsa_too_short"
    RSA_TOO_LONG = "rsa_too_long"
    RSA_ODD_LENGTH = "rsa_odd_length"
    RSA_EXPONENT = "rsa_exponent"
    RSA_MODULUS_INVALID = "rsa_modulus_invalid"
    RSA_MODULUS_PRIME = "rsa_modulus_prime"
    RSA_MODULUS_POWER = "rsa_modulus_power"
    RSA_SMALL_FACTOR = "rsa_small_factor"
    RSA_CLOSE_PRIMES = "rsa_close_primes"
    RSA_SHARED_PRIME = "rsa_shared_prime"
    RSA_ROCA = "rsa_roca"
    RSA_BIASED = "rsa_biased"
    EC_POINT_INVALID = "ec_point_invalid"
    ED_POINT_INVALID = "ed_point_invalid"
    ED_SMALL_ORDER = "ed_small_order"
    BLOCKED = "blocked"

    # The key is fine, the algorithm is not
    ALG_UNKNOWN = "alg_unknown"
    ALG_NOT_OFFERED = "alg_not_offered"
    ALG_DOES_NOT_FIT = "alg_does_not_fit"


class Refused(Exception):  # noqa: N818 - it reads as the verb of the glossary: "the key was refused"
    """A key was refused.

    `reason` is the stable code; `found` says what was found, `needed` what is needed instead, and
    `command`, when there is one, is the exact shell command that gives it. None of them ever holds
    anything of the pasted text: a private key must leave no trace.

    `leaked` holds the public halves of private keys that were in the input, each proven to belong
    to its private key, so that the registry can block them (nobody can block a key by making up a
    file).
    """

    def __init__(
        self,
        reason: Reason,
        *,
        found: str,
        needed: str,
        command: str = "",
        leaked: tuple[PublicKey, ...] = (),
    ) -> None:
        super().__init__(reason, found, needed, command)
        self.reason = reason
        self.found = found
        self.needed = needed
        self.command = command
        self.leaked = leaked

    def __str__(self) -> str:
        return f"{self.found} {self.needed}"
