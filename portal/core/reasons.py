"""The reasons to refuse a key or an assertion: one list for forms, endpoint and debugger."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from portal.core.public_key import PublicKey


class Reason(StrEnum):
    """A stable code for each reason to refuse. Tables store the codes: never rename one."""

    # The input is not a public key
    PRIVATE_KEY = "private_key"
    SHARED_SECRET = "shared_secret"  # noqa: S105 - the name of a reason
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_TEXT = "not_text"
    NO_KEY_FOUND = "no_key_found"
    NO_HEADER_LINES = "no_header_lines"
    BARE_BYTES = "bare_bytes"
    FINGERPRINT = "fingerprint"
    KEY_DUMP = "key_dump"
    INCOMPLETE_BLOCK = "incomplete_block"
    SEVERAL_BLOCKS = "several_blocks"
    UNKNOWN_BLOCK = "unknown_block"
    BAD_BASE64 = "bad_base64"
    BAD_DER = "bad_der"
    BAD_JWK = "bad_jwk"
    BAD_CERTIFICATE = "bad_certificate"
    BAD_OPENSSH_KEY = "bad_openssh_key"
    LABEL_MISMATCH = "label_mismatch"
    TRAILING_DATA = "trailing_data"  # recorded by releases that refused text after a block
    KEY_LENGTH = "key_length"

    # The input is something else that people have at hand
    DER_BINARY = "der_binary"
    CERTIFICATE_REQUEST = "certificate_request"
    PGP_KEY = "pgp_key"
    SSH2_KEY = "ssh2_key"  # recorded by releases that did not read it
    PKCS7 = "pkcs7"
    PARAMETERS_ONLY = "parameters_only"
    XML_KEY = "xml_key"
    TOKEN = "token"  # noqa: S105 - the name of a reason
    URL = "url"

    # It is a public key of an unsupported kind
    KEY_TYPE_UNSUPPORTED = "key_type_unsupported"
    CURVE_UNSUPPORTED = "curve_unsupported"
    EC_EXPLICIT_PARAMETERS = "ec_explicit_parameters"
    EC_COMPRESSED_POINT = "ec_compressed_point"  # recorded by releases that did not read it
    RSA_PSS_PARAMETERS = "rsa_pss_parameters"
    NOT_FOR_SIGNING = "not_for_signing"

    # It is of a supported kind but must not be trusted
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

    # The assertion cannot be read
    ASSERTION_EMPTY = "assertion_empty"
    ASSERTION_TOO_LARGE = "assertion_too_large"
    ASSERTION_NOT_ASCII = "assertion_not_ascii"
    ASSERTION_BEARER_PREFIX = "assertion_bearer_prefix"
    ASSERTION_QUOTED = "assertion_quoted"
    ASSERTION_JSON_FORM = "assertion_json_form"
    ASSERTION_WHITE_SPACE = "assertion_white_space"
    ASSERTION_PADDED = "assertion_padded"
    ASSERTION_ENCRYPTED = "assertion_encrypted"
    ASSERTION_PARTS = "assertion_parts"
    ASSERTION_DETACHED = "assertion_detached"
    ASSERTION_BASE64URL = "assertion_base64url"
    ASSERTION_NOT_UTF8 = "assertion_not_utf8"
    ASSERTION_NOT_JSON = "assertion_not_json"
    ASSERTION_TOO_NESTED = "assertion_too_nested"
    ASSERTION_MEMBER_TWICE = "assertion_member_twice"
    ASSERTION_CHARACTERS = "assertion_characters"

    # Its header is not accepted
    HEADER_ALG_MISSING = "header_alg_missing"
    HEADER_ALG_NONE = "header_alg_none"
    HEADER_ALG_HMAC = "header_alg_hmac"
    HEADER_ALG_UNKNOWN = "header_alg_unknown"
    HEADER_TYP = "header_typ"
    HEADER_CRIT = "header_crit"
    HEADER_B64 = "header_b64"
    HEADER_ZIP = "header_zip"
    HEADER_EMBEDDED_KEY = "header_embedded_key"

    # The client or its key is wrong
    CLIENT_UNKNOWN = "client_unknown"
    CLIENT_SUSPENDED = "client_suspended"
    CLIENT_ID_MISMATCH = "client_id_mismatch"
    NO_LIVE_KEY = "no_live_key"
    KID_MISSING = "kid_missing"  # recorded by releases that tried one key only
    KID_UNKNOWN = "kid_unknown"
    KEY_PENDING = "key_pending"
    KEY_UNCONFIRMED = "key_unconfirmed"
    KEY_EXPIRED = "key_expired"
    KEY_RETIRED = "key_retired"
    KEY_REVOKED = "key_revoked"
    KEY_ALG_SIBLING = "key_alg_sibling"
    KEY_ALG_OTHER_TYPE = "key_alg_other_type"

    # Its claims are wrong
    CLAIM_MISSING = "claim_missing"
    CLAIM_NOT_STRING = "claim_not_string"
    ISS_MISMATCH = "iss_mismatch"
    SUB_MISMATCH = "sub_mismatch"
    AUD_ARRAY = "aud_array"
    AUD_TOKEN_ENDPOINT = "aud_token_endpoint"  # noqa: S105 - the name of a reason
    AUD_MISMATCH = "aud_mismatch"
    DATE_NOT_NUMBER = "date_not_number"
    DATE_MILLISECONDS = "date_milliseconds"
    DATE_OUT_OF_RANGE = "date_out_of_range"
    EXPIRED = "expired"
    IAT_AHEAD = "iat_ahead"
    NBF_AHEAD = "nbf_ahead"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    JTI_LENGTH = "jti_length"
    JTI_REUSED = "jti_reused"

    # Its signature is wrong
    SIGNATURE_DER = "signature_der"
    SIGNATURE_INVALID = "signature_invalid"

    # The token request is wrong
    ASSERTION_MISSING = "assertion_missing"
    ASSERTION_TYPE_WRONG = "assertion_type_wrong"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a reason
    SEVERAL_AUTH_METHODS = "several_auth_methods"
    PARAMETER_REPEATED = "parameter_repeated"
    JSON_BODY = "json_body"
    MULTIPART_BODY = "multipart_body"
    REQUEST_METHOD = "request_method"
    REQUEST_URL = "request_url"
    REQUEST_QUERY = "request_query"
    REQUEST_CONTENT_TYPE = "request_content_type"
    PARAMETER_MISSING = "parameter_missing"
    GRANT_TYPE_UNKNOWN = "grant_type_unknown"
    GRANT_TYPE_NOT_ALLOWED = "grant_type_not_allowed"
    SCOPE_NOT_ALLOWED = "scope_not_allowed"

    # Something else was sent instead
    PASTED_CERTIFICATE = "pasted_certificate"
    PASTED_PUBLIC_KEY = "pasted_public_key"
    PASTED_NO_ASSERTION = "pasted_no_assertion"
    PASTED_SEVERAL = "pasted_several"
    PASTED_SHORTENED = "pasted_shortened"


NOT_SHOWN_AGAIN: Final = frozenset(
    {
        Reason.PRIVATE_KEY,
        Reason.SHARED_SECRET,
        Reason.BARE_BYTES,
        Reason.TOKEN,
        # The parser has not read all of these inputs, or they are not text: they may hold a secret.
        Reason.TOO_LARGE,
        Reason.NOT_TEXT,
        Reason.DER_BINARY,
    }
)
"""No page shows an input again that was refused for one of these."""


class Refused(Exception):  # noqa: N818 - named by the glossary
    """A key or an assertion was refused.

    `reason` is the stable code; `found` says what was found, `needed` what is needed instead, and
    `command` is the exact shell command that produces it, or empty. None of them contains any part
    of a pasted key: a private key must leave no trace. For an assertion they may contain short
    values of it (`assertion.formatting.brief`), never its signature.

    `leaked` holds the public keys of private keys in the input, each proven to belong to its
    private key, so that the registry can block them (a forged file cannot block a key). `choices`
    holds the public keys to choose from if there are several.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        found: str,
        needed: str,
        command: str = "",
        leaked: tuple[PublicKey, ...] = (),
        choices: tuple[PublicKey, ...] = (),
    ) -> None:
        super().__init__(reason, found, needed, command)
        self.reason = reason
        self.found = found
        self.needed = needed
        self.command = command
        self.leaked = leaked
        self.choices = choices

    def __str__(self) -> str:
        return f"{self.found} {self.needed}"
