"""What is no usable public key is refused by name, with the way to the right thing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.algorithms import PUBLIC_HALF
from portal.core.formats import der, spki
from portal.core.public_key import Container
from portal.core.public_key.parse import parse_public_key
from portal.core.public_key.unsupported import NEW_KEY, NEW_RSA_KEY
from portal.core.reasons import Reason
from tests.unit.core.support import (
    certificate_pem,
    der_of,
    key_of,
    openssl,
    pem,
    private_key,
    private_pem,
    public_pem,
    refusal,
    spki_pem,
)


@dataclass(frozen=True)
class Case:
    """An input, and what is said of it."""

    name: str
    reason: Reason
    found: str
    make: Callable[[], bytes | str]
    command: str | None = None


def oid(content: bytes) -> bytes:
    return der.encode(der.OID, content)


def jwk(kind: str = "P-256", **members: object) -> str:
    merged = key_of(kind).jwk_members | members
    return json.dumps({name: value for name, value in merged.items() if value is not None})


def generated(*arguments: str) -> bytes:
    return openssl("pkey", "-pubout", stdin=openssl("genpkey", *arguments))


def ec_public(form: str = "uncompressed", curve: str = "named_curve", name: str = "P-256") -> bytes:
    parameters = ("-pkeyopt", f"ec_paramgen_curve:{name}")
    key = openssl("genpkey", "-algorithm", "EC", *parameters)
    return openssl("ec", "-pubout", "-conv_form", form, "-param_enc", curve, stdin=key)


def named_ec(curve: bytes, point: bytes) -> bytes:
    return spki_pem(oid(spki.EC_OID) + oid(curve), point)


def rsa_block(n: bytes, e: bytes = b"\x01\x00\x01") -> bytes:
    numbers = der.encode(der.INTEGER, n) + der.encode(der.INTEGER, e)
    return pem("RSA PUBLIC KEY", der.encode(der.SEQUENCE, numbers))


def pkcs1() -> bytes:
    _algorithm, bits = der.read(der_of(public_pem("RSA"))).children()
    return bits.bits()


def openssh(kind: str = "P-256") -> str:
    public = private_key(kind).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def dsa_public() -> bytes:
    return openssl("pkey", "-pubout", stdin=openssl("dsaparam", "-genkey", "-noout", "1024"))


def request() -> bytes:
    return openssl(
        "req", "-new", "-key", "/dev/stdin", "-subj", "/CN=b", stdin=private_pem("P-256")
    )


def damaged(encoded: bytes) -> bytes:
    """Return a CSR with another name in it."""
    changed = encoded.replace(b"\x0c\1b", b"\x0c\1c")
    assert changed != encoded
    return changed


def certificate(place: int, instead: bytes, signature: bytes | None = None) -> bytes:
    """Return a certificate with one field replaced, counted from the version, which is 0."""
    signed, algorithm, bits = der.read(der_of(certificate_pem("P-256"))).children()
    fields = [field.encoded for field in signed.children()]
    fields[place] = instead
    parts = der.encode(der.SEQUENCE, *fields), algorithm.encoded, signature or bits.encoded
    return pem("CERTIFICATE", der.encode(der.SEQUENCE, *parts))


def openssh_line(kind: str, *fields: bytes) -> str:
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return f"{kind} {b64encode(blob).decode()}"


def pkcs7() -> bytes:
    return openssl("crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin", stdin=certificate_pem("P-256"))


def ssh2() -> str:
    return "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n"


def lines(kind: str = "P-256") -> list[bytes]:
    return public_pem(kind).splitlines(keepends=True)


PLAIN = (
    Case("nothing", Reason.EMPTY, "nothing here", lambda: b""),
    Case("white space", Reason.EMPTY, "nothing here", lambda: "\ufeff \n\t "),
    Case("32 KiB and a byte", Reason.TOO_LARGE, "more than 32 KiB", lambda: b" " * 32769),
    Case("prose", Reason.NO_KEY_FOUND, "no public key", lambda: "Here is my key. Thanks!"),
    Case("HTML", Reason.NO_KEY_FOUND, "no public key", lambda: "<script>alert(1)</script>"),
    Case("NUL", Reason.NOT_TEXT, "bytes that no PEM", lambda: public_pem("P-256") + b"\0"),
    Case("half a surrogate", Reason.NOT_TEXT, "bytes that no PEM", lambda: "\ud800"),
    Case("URL", Reason.URL, "an address", lambda: "https://bank.example/jwks.json"),
    Case("JWT", Reason.TOKEN, "signed token", lambda: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln"),
    Case("JWE", Reason.TOKEN, "signed token", lambda: "eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn"),
    Case(
        "XML of a DSA key",
        Reason.XML_KEY,
        "XML with a key that cannot be read",
        lambda: "<DSAKeyValue><P>AQAB</P><Y>AQAB</Y></DSAKeyValue>",
    ),
    Case("base64", Reason.NO_HEADER_LINES, "holds is no public key", lambda: "QUJD" * 10),
    Case("cut SSH2", Reason.BAD_OPENSSH_KEY, "not a whole one", ssh2),
    Case("fingerprint", Reason.FINGERPRINT, "fingerprint", lambda: f"SHA256:{'a' * 43}"),
    Case("SHA-1", Reason.FINGERPRINT, "20 bytes", lambda: ":".join(["a1"] * 20)),
    Case(
        "text of a key",
        Reason.KEY_DUMP,
        "for people to read",
        lambda: openssl("pkey", "-pubin", "-text_pub", "-noout", stdin=public_pem("P-256")),
        PUBLIC_HALF,
    ),
    Case("DER of something", Reason.DER_BINARY, "binary", lambda: der.encode(0x30, b"\x04\x7f")),
)

BLOCKS = (
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
        "openssl x509 -in certificate.pem -noout -pubkey",
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

JSON = (
    Case("cut JSON", Reason.BAD_JWK, "not well-formed JSON", lambda: jwk()[:-1]),
    Case("two JWKs", Reason.BAD_JWK, "not well-formed JSON", lambda: jwk() + jwk()),
    Case("NaN", Reason.BAD_JWK, "not well-formed JSON", lambda: '{"kty": NaN}'),
    Case("endless number", Reason.BAD_JWK, "not well-formed", lambda: '{"n": ' + "9" * 9999 + "}"),
    Case("deep", Reason.BAD_JWK, "more brackets", lambda: '{"a":' * 5000),
    Case(
        "duplicate member",
        Reason.BAD_JWK,
        "stands there twice",
        lambda: jwk().replace("{", '{"kty": "EC",', 1),
    ),
    Case(
        "escaped duplicate",
        Reason.BAD_JWK,
        "stands there twice",
        lambda: jwk().replace("{", '{"\\u006bty": "EC",', 1),
    ),
    Case("no kty", Reason.BAD_JWK, "member kty is missing", lambda: jwk(kty=None)),
    Case("kty is a list", Reason.BAD_JWK, "member kty is missing, or", lambda: jwk(kty=["EC"])),
    Case("no y", Reason.BAD_JWK, "member y is missing", lambda: jwk(y=None)),
    Case("base64, not url", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="+" * 43)),
    Case("unused bits", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="A" * 42 + "B")),
    Case("empty x", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="")),
    Case("x is not ASCII", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="é" * 43)),
    Case("lone surrogate", Reason.BAD_JWK, "half a character", lambda: jwk(x="\ud800" * 43)),
    Case("short x", Reason.BAD_JWK, "32 bytes on P-256", lambda: jwk(x="AAAA")),
    Case("other alg", Reason.BAD_JWK, "another kind of key", lambda: jwk(alg="PS256")),
    Case("alg is a number", Reason.BAD_JWK, "member alg is missing, or", lambda: jwk(alg=256)),
    Case("use is a number", Reason.BAD_JWK, "use is not a string", lambda: jwk(use=1)),
    Case("key_ops is a string", Reason.BAD_JWK, "not an array", lambda: jwk(key_ops="verify")),
    Case("keys is no array", Reason.BAD_JWK, "not an array", lambda: '{"keys": {}}'),
    Case("keys of strings", Reason.BAD_JWK, "not an array", lambda: '{"keys": ["a"]}'),
    Case("empty JWKS", Reason.NO_KEY_FOUND, "holds 0 keys", lambda: '{"keys": []}'),
    Case(
        "JWKS of two",
        Reason.SEVERAL_BLOCKS,
        "There are 2 keys",
        lambda: f'{{"keys": [{jwk()}, {jwk("RSA")}]}}',
    ),
    Case("use enc", Reason.NOT_FOR_SIGNING, "not meant for signing", lambda: jwk(use="enc")),
    Case("key_ops", Reason.NOT_FOR_SIGNING, "not meant", lambda: jwk(key_ops=["encrypt"])),
    Case(
        "alg of encryption", Reason.NOT_FOR_SIGNING, "not meant", lambda: jwk("RSA", alg="RSA-OAEP")
    ),
    Case("alg none", Reason.NOT_FOR_SIGNING, "not meant", lambda: jwk(alg="none")),
    Case(
        "shared secret", Reason.SHARED_SECRET, "shared secret", lambda: '{"kty": "oct", "k": "AA"}'
    ),
    Case("oct without k", Reason.SHARED_SECRET, "shared secret", lambda: '{"kty": "oct"}'),
    Case("unknown kty", Reason.KEY_TYPE_UNSUPPORTED, "unknown here", lambda: jwk(kty="LWE")),
    Case("X25519 JWK", Reason.KEY_TYPE_UNSUPPORTED, "X25519", lambda: jwk("Ed25519", crv="X25519")),
    Case("unknown OKP", Reason.KEY_TYPE_UNSUPPORTED, "unknown", lambda: jwk("Ed25519", crv="Ed1")),
    Case(
        "SLH-DSA JWK",
        Reason.KEY_TYPE_UNSUPPORTED,
        "SLH-DSA",
        lambda: jwk("ML-DSA-44", alg="SLH-DSA-SHA2-128s"),
    ),
    Case("secp256k1 JWK", Reason.CURVE_UNSUPPORTED, "secp256k1", lambda: jwk(crv="secp256k1")),
    Case("curve of HTML", Reason.CURVE_UNSUPPORTED, "unknown curve", lambda: jwk(crv="<i>")),
    Case("Ed25519 of 3 bytes", Reason.KEY_LENGTH, "has 3 bytes", lambda: jwk("Ed25519", x="AAAA")),
)

OPENSSH = (
    Case(
        "sk key",
        Reason.KEY_TYPE_UNSUPPORTED,
        "security key",
        lambda: "sk-ssh-ed25519@openssh.com A",
    ),
    Case("ssh-dss", Reason.KEY_TYPE_UNSUPPORTED, "DSA", lambda: "ssh-dss AAAA"),
    Case(
        "certificate",
        Reason.KEY_TYPE_UNSUPPORTED,
        "OpenSSH certificate",
        lambda: "ssh-rsa-cert-v01@openssh.com AAAA",
    ),
    Case("type alone", Reason.BAD_OPENSSH_KEY, "not a whole one", lambda: "ssh-ed25519"),
    Case("cut", Reason.BAD_OPENSSH_KEY, "not a whole one", lambda: openssh()[:-9]),
    Case("no base64", Reason.BAD_OPENSSH_KEY, "not a whole one", lambda: "ssh-rsa ?!"),
    Case(
        "unknown type",
        Reason.BAD_OPENSSH_KEY,
        "not a whole one",
        lambda: "ssh-new AAAAB3NzaC1uZXc=",
        "ssh-keygen -y -f id_ed25519 > public_key.pub",
    ),
    Case(
        "other type inside",
        Reason.BAD_OPENSSH_KEY,
        "not a whole one",
        lambda: openssh_line("ssh-ed25519", b"ssh-ed25518", bytes(32)),
    ),
    Case(
        "other curve inside",
        Reason.BAD_OPENSSH_KEY,
        "not a whole one",
        lambda: openssh_line("ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256", b"nistp384", bytes(65)),
    ),
    Case(
        "superfluous byte",
        Reason.BAD_OPENSSH_KEY,
        "not a whole one",
        lambda: openssh_line("ssh-rsa", b"ssh-rsa", b"\0\1\0\1", b"\1" * 256),
    ),
    Case(
        "negative number",
        Reason.BAD_OPENSSH_KEY,
        "not a whole one",
        lambda: openssh_line("ssh-rsa", b"ssh-rsa", b"\1\0\1", b"\xff" * 256),
    ),
    Case(
        "one field too many",
        Reason.BAD_OPENSSH_KEY,
        "not a whole one",
        lambda: openssh_line("ssh-ed25519", b"ssh-ed25519", bytes(32), b""),
    ),
)

CASES = (*PLAIN, *BLOCKS, *JSON, *OPENSSH)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_input_is_refused_by_name(case: Case) -> None:
    refused = refusal(case.make())
    assert refused.reason is case.reason
    assert case.found in refused.found
    assert refused.leaked == ()
    if case.command is not None:
        assert refused.command == case.command


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refusal_is_made_of_whole_sentences(case: Case) -> None:
    refused = refusal(case.make())
    for text in (refused.found, refused.needed):
        assert text[0].isupper()
        assert text[-1] in ".?!"
    assert str(refused) == f"{refused.found} {refused.needed}"
    assert "\n" not in refused.command


@pytest.mark.parametrize(
    ("place", "instead"),
    [
        (0, "a000"),
        (0, "a00102"),
        (0, "a003020100"),  # the default of version 1, written out (X.690 §11.5)
        (0, "a003020103"),
        (0, "a0030201ff"),
        (0, "a00402020002"),
        (0, "a006020102020102"),
        (0, "a003040102"),
        (0, "a08103020102"),
        (3, "30023180"),
        (3, "3004310230ff"),
        (3, "30" + "8000"),
        (5, "3082000431023000"),
    ],
)
def test_certificate_is_der_through_and_through(place: int, instead: str) -> None:
    refused = refusal(certificate(place, bytes.fromhex(instead)))
    assert refused.reason is Reason.BAD_CERTIFICATE


def test_certificate_may_be_of_version_2_or_3() -> None:
    for version in (1, 2):
        block = certificate(0, b"\xa0\3\2\1" + bytes((version,)))
        assert parse_public_key(block).container is Container.CERTIFICATE


@pytest.mark.parametrize("date", ["2601010000Z", "260101 00000Z", "26010100000aZ", " 60101000000Z"])
def test_date_of_a_certificate_has_one_form(date: str) -> None:
    """RFC 5280 §4.1.2.5.1. What reads dates takes a space for a zero."""
    both = der.encode(der.UTC_TIME, date.encode()) + der.encode(der.UTC_TIME, b"270101000000Z")
    refused = refusal(certificate(4, der.encode(der.SEQUENCE, both)))
    assert refused.reason is Reason.BAD_CERTIFICATE


MARKER = "Zq7Zq7Zq7"


@pytest.mark.parametrize(
    "data",
    [
        MARKER,
        f"-----BEGIN {MARKER}-----\nAAAA\n-----END {MARKER}-----",
        f"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END {MARKER}-----",
        f"-----BEGIN PUBLIC KEY-----\n{MARKER}!\n-----END PUBLIC KEY-----",
        f'{{"kty": "{MARKER}"}}',
        f'{{"kty": "EC", "crv": "{MARKER}"}}',
        f'{{"kty": "OKP", "crv": "{MARKER}"}}',
        f'{{"{MARKER}": 1, "{MARKER}": 2}}',
        f"https://{MARKER}/",
        f"ssh-{MARKER} AAAA",
    ],
)
def test_refusal_never_repeats_the_paste(data: str) -> None:
    refused = refusal(data)
    assert MARKER not in repr(refused) + str(refused) + repr(vars(refused))


def test_codes_that_earlier_releases_recorded_are_still_there() -> None:
    """What they refused is read today."""
    codes = {Reason.SSH2_KEY, Reason.TRAILING_DATA, Reason.EC_COMPRESSED_POINT}
    assert set(map(str, codes)) == {"ssh2_key", "trailing_data", "ec_compressed_point"}
