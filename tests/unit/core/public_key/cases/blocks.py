"""Blocks of PEM without a usable public key."""

from __future__ import annotations

from portal.core.formats import der, spki
from portal.core.public_key.unsupported import NEW_KEY, NEW_RSA_KEY
from portal.core.reasons import Reason
from tests.unit.core.public_key.cases.case import (
    Case,
    certificate,
    damaged,
    dsa_public,
    ec_public,
    generated,
    lines,
    named_ec,
    oid,
    pkcs7,
    request,
    rsa_block,
)
from tests.unit.core.support import (
    certificate_pem,
    der_of,
    openssl,
    pem,
    public_pem,
    spki_pem,
)

CASES = (
    Case(
        "CSR with another key's signature",
        Reason.CERTIFICATE_REQUEST,
        "not signed by the key in it",
        lambda: pem("CERTIFICATE REQUEST", damaged(der_of(request()))),
    ),
    Case(
        "CSR with a version of its own",
        Reason.CERTIFICATE_REQUEST,
        "not well-formed",
        lambda: pem("CERTIFICATE REQUEST", der_of(request()).replace(b"\2\1\0", b"\2\1\1", 1)),
    ),
    Case("PGP", Reason.PGP_KEY, "PGP", lambda: pem("PGP PUBLIC KEY BLOCK", b"x"), NEW_KEY),
    Case("PKCS#7", Reason.PKCS7, "PKCS#7", pkcs7),
    Case(
        "EC PARAMETERS",
        Reason.PARAMETERS_ONLY,
        "no key",
        lambda: openssl("ecparam", "-name", "prime256v1"),
    ),
    Case(
        "EC PARAMETERS in numbers",
        Reason.PARAMETERS_ONLY,
        "no key",
        lambda: openssl("ecparam", "-name", "secp521r1", "-param_enc", "explicit"),
        "openssl pkey -in private_key.pem -pubout -out public_key.pem",
    ),
    Case("CRL", Reason.UNKNOWN_BLOCK, "neither", lambda: pem("X509 CRL", b"x")),
    Case("HTML label", Reason.UNKNOWN_BLOCK, "neither", lambda: pem("<b>PUBLIC</b> KEY", b"x")),
    Case("DSA block", Reason.KEY_TYPE_UNSUPPORTED, "DSA", lambda: pem("DSA PUBLIC KEY", b"x")),
    Case("no END", Reason.INCOMPLETE_BLOCK, "not complete", lambda: b"".join(lines()[:-1])),
    Case("cut END", Reason.INCOMPLETE_BLOCK, "not complete", lambda: public_pem("P-256")[:-5]),
    Case("cut BEGIN", Reason.INCOMPLETE_BLOCK, "not complete", lambda: "-----BEGIN PUBLIC KEY"),
    Case(
        "four dashes",
        Reason.INCOMPLETE_BLOCK,
        "does not have five dashes",
        lambda: public_pem("P-256").replace(b"-----", b"----"),
    ),
    Case(
        "dash missing",
        Reason.INCOMPLETE_BLOCK,
        "not complete",
        lambda: public_pem("P-256").replace(b"KEY-----\n", b"KEY----\n", 1),
    ),
    Case(
        "END first",
        Reason.INCOMPLETE_BLOCK,
        "not complete",
        lambda: lines()[-1] + public_pem("P-256"),
    ),
    Case(
        "other END",
        Reason.LABEL_MISMATCH,
        "different things",
        lambda: public_pem("P-256").replace(b"END PUBLIC", b"END RSA PUBLIC"),
    ),
    Case(
        "two blocks",
        Reason.SEVERAL_BLOCKS,
        "There are 2 keys",
        lambda: public_pem("P-256") + public_pem("RSA"),
    ),
    Case(
        "chain",
        Reason.SEVERAL_BLOCKS,
        "There are 2 certificates in this, as in a certificate chain",
        lambda: certificate_pem("RSA") + certificate_pem("P-256"),
        "openssl x509 -in chain.pem -out certificate.pem",
    ),
    Case("no base64", Reason.BAD_BASE64, "not base64", lambda: lines()[0] + b"!!!\n" + lines()[-1]),
    Case("nothing inside", Reason.BAD_BASE64, "not base64", lambda: lines()[0] + lines()[-1]),
    Case(
        "base64 with unused bits set",
        Reason.BAD_BASE64,
        "not base64",
        lambda: lines("RSA-PSS")[0] + b"MAB=\n" + lines("RSA-PSS")[-1],
    ),
    Case(
        "PEM headers",
        Reason.BAD_BASE64,
        "not base64",
        lambda: lines()[0] + b"Comment: mine\n\n" + b"".join(lines()[1:]),
    ),
    Case(
        "trailing DER",
        Reason.BAD_DER,
        "not a well-formed",
        lambda: pem("PUBLIC KEY", der_of(public_pem("P-256")) + b"\0"),
    ),
    Case(
        "cut DER",
        Reason.BAD_DER,
        "not a well-formed",
        lambda: pem("PUBLIC KEY", der_of(public_pem("RSA"))[:-1]),
    ),
    Case(
        "Ed25519 with NULL",
        Reason.BAD_DER,
        "not a well-formed",
        lambda: spki_pem(oid(spki.OKP_OIDS["Ed25519"]) + b"\5\0", bytes(32)),
    ),
    Case(
        "unused bits",
        Reason.BAD_DER,
        "not a well-formed",
        lambda: pem("PUBLIC KEY", der_of(public_pem("P-256")).replace(b"\x42\0\4", b"\x42\1\4")),
    ),
    Case(
        "EC without curve",
        Reason.BAD_DER,
        "not a well-formed",
        lambda: spki_pem(oid(spki.EC_OID), bytes(65)),
    ),
    Case(
        "EC with implicit curve",
        Reason.BAD_DER,
        "not a well-formed",
        lambda: spki_pem(oid(spki.EC_OID) + b"\5\0", bytes(65)),
    ),
    Case(
        "no certificate",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: pem("CERTIFICATE", b"0\0"),
        "openssl pkey -in private_key.pem -pubout -out public_key.pem",
    ),
    Case(
        "certificate whose serial number is no number",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(1, der.encode(der.OCTET_STRING, b"\1")),
    ),
    Case(
        "certificate with two signature algorithms",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(2, der.encode(der.SEQUENCE, oid(b"\x2a\x03"))),
    ),
    Case(
        "certificate without an issuer",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(3, b"\5\0"),
    ),
    Case(
        "certificate with one date",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(
            4, der.encode(der.SEQUENCE, der.encode(der.UTC_TIME, b"260101000000Z"))
        ),
    ),
    Case(
        "certificate with a date of another type",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(4, der.encode(der.SEQUENCE, b"\5\0\5\0")),
    ),
    Case(
        "certificate without a subject",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(5, b"\5\0"),
    ),
    Case(
        "certificate whose signature is no string of bits",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: certificate(1, b"\2\1\1", signature=b"\5\0"),
    ),
    Case(
        "certificate with an impossible date",
        Reason.BAD_CERTIFICATE,
        "not a well-formed X.509",
        lambda: pem(
            "CERTIFICATE", der_of(certificate_pem("P-256")).replace(b"Z\x17\r2", b"Z\x17\rX")
        ),
    ),
    Case(
        "X25519",
        Reason.KEY_TYPE_UNSUPPORTED,
        "X25519",
        lambda: generated("-algorithm", "X25519"),
        NEW_KEY,
    ),
    Case("X448", Reason.KEY_TYPE_UNSUPPORTED, "X448", lambda: generated("-algorithm", "X448")),
    Case("DSA", Reason.KEY_TYPE_UNSUPPORTED, "DSA", dsa_public),
    Case(
        "DH",
        Reason.KEY_TYPE_UNSUPPORTED,
        "Diffie-Hellman",
        lambda: generated("-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"),
    ),
    Case(
        "ML-KEM",
        Reason.KEY_TYPE_UNSUPPORTED,
        "ML-KEM",
        lambda: spki_pem(oid(bytes.fromhex("608648016503040402")), bytes(1184)),
    ),
    Case(
        "SLH-DSA",
        Reason.KEY_TYPE_UNSUPPORTED,
        "SLH-DSA",
        lambda: spki_pem(oid(bytes.fromhex("608648016503040314")), bytes(32)),
    ),
    Case(
        "unknown kind",
        Reason.KEY_TYPE_UNSUPPORTED,
        "unknown here",
        lambda: spki_pem(oid(b"\x2a\x03"), bytes(32)),
    ),
    Case("secp256k1", Reason.CURVE_UNSUPPORTED, "secp256k1", lambda: ec_public(name="secp256k1")),
    Case(
        "brainpool",
        Reason.CURVE_UNSUPPORTED,
        "brainpool",
        lambda: ec_public(name="brainpoolP256r1"),
        NEW_KEY,
    ),
    Case(
        "unknown curve",
        Reason.CURVE_UNSUPPORTED,
        "unknown curve",
        lambda: named_ec(b"\x2a\x03", bytes(65)),
    ),
    Case(
        "explicit parameters",
        Reason.EC_EXPLICIT_PARAMETERS,
        "as numbers",
        lambda: ec_public(curve="explicit"),
        "openssl ec -pubin -in public_key.pem -param_enc named_curve -pubout"
        " -out named_curve_key.pem",
    ),
    Case(
        "hybrid point", Reason.EC_POINT_INVALID, "not a point", lambda: ec_public("hybrid"), NEW_KEY
    ),
    Case(
        "infinity",
        Reason.EC_POINT_INVALID,
        "not a point",
        lambda: named_ec(spki.CURVE_OIDS["P-256"], b"\0"),
    ),
    Case(
        "RSA-PSS with parameters",
        Reason.RSA_PSS_PARAMETERS,
        "bound to one hash",
        lambda: generated(
            *("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
            *("-pkeyopt", "rsa_pss_keygen_md:sha256"),
        ),
        NEW_RSA_KEY,
    ),
    Case(
        "short Ed25519",
        Reason.KEY_LENGTH,
        "This Ed25519 key has 31 bytes",
        lambda: spki_pem(oid(spki.OKP_OIDS["Ed25519"]), bytes(31)),
    ),
    Case(
        "long ML-DSA",
        Reason.KEY_LENGTH,
        "This ML-DSA-44 key has 1313 bytes",
        lambda: spki_pem(oid(spki.AKP_OIDS["ML-DSA-44"]), bytes(1313)),
    ),
    Case(
        "negative modulus",
        Reason.RSA_MODULUS_INVALID,
        "zero or negative",
        lambda: rsa_block(b"\x80" + bytes(255)),
        NEW_RSA_KEY,
    ),
    Case("zero modulus", Reason.RSA_MODULUS_INVALID, "zero or negative", lambda: rsa_block(b"\0")),
    Case("e = 0", Reason.RSA_EXPONENT, "zero or negative", lambda: rsa_block(b"\1" * 256, b"\0")),
    Case("padded modulus", Reason.BAD_DER, "well-formed", lambda: rsa_block(b"\0" + b"\1" * 256)),
    Case("empty modulus", Reason.BAD_DER, "well-formed", lambda: rsa_block(b"")),
)
