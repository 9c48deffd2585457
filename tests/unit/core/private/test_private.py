"""A private key is refused before anything else, and only what is proven counts as leaked."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from itertools import count
from math import gcd, lcm
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from joserfc.jwk import ECKey, OKPKey, RSAKey

from portal.core.formats import der, spki
from portal.core.public_key import PublicKey
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url
from portal.core.strict.base64url import encode_url
from tests.unit.core.support import (
    KINDS,
    PrivateKey,
    der_of,
    key_of,
    openssl,
    pem,
    private_key,
    private_pem,
    public_pem,
    refusal,
    written,
)

TRADITIONAL = ("RSA", "P-256", "P-384", "P-521")
OPENSSH = ("RSA", "P-256", "P-384", "P-521", "Ed25519")
PASSWORD = BestAvailableEncryption(b"correct horse")


def half(kind: str) -> tuple[bytes, ...]:
    return (key_of(kind).spki,)


def leaked(data: bytes | str) -> tuple[bytes, ...]:
    refused = refusal(data)
    assert refused.reason is Reason.PRIVATE_KEY
    assert "private key" in refused.found
    return tuple(key.spki for key in refused.leaked)


def encrypted(kind: str, form: PrivateFormat, encoding: Encoding = Encoding.PEM) -> bytes:
    return private_key(kind).private_bytes(encoding, form, PASSWORD)


def private_jwk(kind: str) -> dict[str, Any]:
    block = written(kind, PrivateFormat.PKCS8)
    if kind.startswith("P-"):
        return dict(ECKey.import_key(block).as_dict(private=True))
    if kind == "RSA":
        return dict(RSAKey.import_key(block).as_dict(private=True))
    return dict(OKPKey.import_key(block).as_dict(private=True))


CONTAINERS: list[tuple[str, str, Callable[[], bytes]]] = [
    *(("PKCS#8", kind, lambda kind=kind: private_pem(kind)) for kind in KINDS),
    *(
        ("traditional", kind, lambda kind=kind: written(kind, PrivateFormat.TraditionalOpenSSL))
        for kind in TRADITIONAL
    ),
    *(
        ("OpenSSH", kind, lambda kind=kind: written(kind, PrivateFormat.OpenSSH))
        for kind in OPENSSH
    ),
]


def everywhere(block: bytes, public: bytes) -> dict[str, bytes | str]:
    """Return the private key of a block in every place where it might be overlooked."""
    body = b"".join(block.strip().split(b"\n")[1:-1])
    label = block.partition(b"-----BEGIN ")[2].partition(b"-----")[0]
    return {
        "as it is": block,
        "as text": block.decode(),
        "CRLF": block.replace(b"\n", b"\r\n"),
        "CR": block.replace(b"\n", b"\r"),
        "BOM": b"\xef\xbb\xbf" + block,
        "indented": block.replace(b"\n", b"\n    "),
        "on one line": block.replace(b"\n", b" "),
        "without a space": block.replace(b"\n", b""),
        "UTF-16": block.decode().encode("utf-16"),
        "UTF-16 BE": block.decode().encode("utf-16-be"),
        "under a public label": block.replace(label, b"PUBLIC KEY"),
        "under an RSA public label": block.replace(label, b"RSA PUBLIC KEY"),
        "as a certificate": block.replace(label, b"CERTIFICATE"),
        "as test key": block.replace(label, b"RSA TESTING KEY"),
        "in lower case": block.replace(label, label.lower()),
        "without its END line": block[: block.index(b"-----END")],
        "without its BEGIN line": block.partition(b"\n")[2],
        "with dashes lost": block.replace(b"-----", b"--"),
        "without lines": body,
        "without lines, base64url": urlsafe_b64encode(der_of(block)).rstrip(b"="),
        "after prose": b"Here is my key:\n" + body,
        "base64 of it all": b64encode(block),
        "binary": der_of(block),
        "in JSON": json.dumps({"private_key": block.decode()}),
        "after a public key": public + block,
        "before a public key": block + public,
        "after much white space": b" " * 20000 + block,
    }


@pytest.mark.parametrize(
    ("kind", "make"),
    [(kind, make) for _name, kind, make in CONTAINERS],
    ids=[f"{name} {kind}" for name, kind, _make in CONTAINERS],
)
def test_private_key_is_found_everywhere_and_its_public_half_is_proven(
    kind: str, make: Callable[[], bytes]
) -> None:
    for place, data in everywhere(make(), public_pem("P-256")).items():
        assert leaked(data) == half(kind), place


@pytest.mark.parametrize("kind", ["RSA", "P-256", "Ed25519"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_encrypted_pkcs8_proves_nothing(kind: str, encoding: Encoding) -> None:
    data = encrypted(kind, PrivateFormat.PKCS8, encoding)
    assert leaked(data) == ()
    assert leaked(b64encode(data)) == ()


@pytest.mark.parametrize("kind", ["RSA", "P-256"])
def test_encrypted_traditional_key_proves_nothing(kind: str) -> None:
    assert leaked(encrypted(kind, PrivateFormat.TraditionalOpenSSL)) == ()


def test_encrypted_openssh_key_proves_nothing() -> None:
    """It needs bcrypt to make one, so the fields are laid out here (PROTOCOL.key of OpenSSH)."""
    fields = [b"aes256-ctr", b"bcrypt", b"options"]
    blob = b"openssh-key-v1\0" + b"".join(_ssh(field) for field in fields)
    blob += b"\0\0\0\1" + _ssh(b"public") + _ssh(b"\x8f" * 64)
    assert leaked(pem("OPENSSH PRIVATE KEY", blob)) == ()
    assert leaked(b64encode(blob)) == ()


def _ssh(field: bytes) -> bytes:
    return len(field).to_bytes(4, "big") + field


@pytest.mark.parametrize("algorithm", [NoEncryption(), PASSWORD])
def test_pkcs12_is_refused_and_proves_nothing(algorithm: Any) -> None:
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    data = pkcs12.serialize_key_and_certificates(b"mine", key, None, None, algorithm)
    assert leaked(data) == ()
    assert leaked(b64encode(data)) == ()


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519", "Ed448"])
def test_private_jwk_is_found_everywhere(kind: str) -> None:
    jwk = private_jwk(kind)
    escaped = json.dumps(jwk).replace('"d"', '"\\u0064"').replace('"p"', '"\\u0070"')
    for text in (
        json.dumps(jwk),
        json.dumps(jwk, indent=2),
        json.dumps({"keys": [key_of("P-256").jwk_members, jwk]}),
        json.dumps({"keys": [jwk]})[:-2],
        json.dumps({"oauth": {"keys": {"mine": jwk}}}),
        json.dumps(jwk).replace("{", '{"use": "sig", "use": "sig", ', 1),
        public_pem("P-256").decode() + json.dumps(jwk),
        escaped,
        "\ufeff" + json.dumps(jwk),
        "{ see below } " + json.dumps(jwk),
        json.dumps(json.dumps(jwk)),
    ):
        assert leaked(text) == half(kind)
        assert leaked(text.encode("utf-16")) == half(kind)


@pytest.mark.parametrize("kind", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_private_ml_dsa_jwk_is_found(kind: str) -> None:
    seed = der_of(private_pem(kind))[-32:]
    assert leaked(json.dumps(key_of(kind).jwk_members | {"priv": encode_url(seed)})) == half(kind)


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"])
def test_one_private_member_is_enough(member: str) -> None:
    assert leaked(json.dumps(key_of("RSA").jwk_members | {member: "AA"})) == ()
    assert leaked(f"{{kty: 'RSA', {member}: 'AA'") == ()


def test_private_key_at_the_end_of_a_long_jwks_is_found() -> None:
    keys = [key_of("P-256").jwk_members] * 40 + [private_jwk("Ed25519")]
    assert leaked(json.dumps({"keys": keys})) == half("Ed25519")


def test_shared_secret_is_told_from_a_private_key() -> None:
    for text in ('{"kty":"oct","k":"c2VjcmV0"}', '{"keys":[{"kty":"oct","\\u006b":"c2VjcmV0"}]}'):
        assert refusal(text).reason is Reason.SHARED_SECRET
    assert leaked('{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"EC","d":"AA"}]}') == ()


def test_private_xml_of_dotnet_is_found() -> None:
    jwk = private_jwk("RSA")
    names = {"Modulus": "n", "Exponent": "e", "D": "d", "P": "p", "Q": "q"}
    values = {
        name: b64encode(base64url.decode_url(jwk[member]) or b"").decode()
        for name, member in names.items()
    }
    for parts in (("Modulus", "Exponent", "D"), ("Modulus", "Exponent", "P")):
        inside = "".join(f"<{name}>\n {values[name]}</{name}>" for name in parts)
        assert leaked(f"<RSAKeyValue>{inside}</RSAKeyValue>") == half("RSA")


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519", "Ed448"])
def test_what_openssl_prints_of_a_private_key_is_found(kind: str) -> None:
    dump = openssl("pkey", "-noout", "-text", stdin=private_pem(kind))
    assert leaked(dump) == half(kind)
    if kind == "RSA":
        without_primes = dump[: dump.index(b"prime1")]
        assert leaked(without_primes) == half(kind)


def test_putty_and_pgp_and_ssh2_keys_are_found() -> None:
    assert leaked("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n") == ()
    assert leaked(pem("PGP PRIVATE KEY BLOCK", b"x")) == ()
    assert leaked("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n") == ()


def test_dsa_key_is_found_and_has_no_half_that_could_be_registered() -> None:
    block = openssl("dsaparam", "-genkey", "-noout", "1024")
    assert leaked(block) == ()
    assert leaked(der_of(block)) == ()


def test_truncated_key_is_found_and_proven_as_long_as_the_private_value_is_there() -> None:
    block = written("RSA", PrivateFormat.TraditionalOpenSSL)
    body = block.split(b"\n", 1)[1]
    assert leaked(block[:1500]) == half("RSA")
    assert leaked(body[:1400]) == half("RSA")
    assert leaked(block[:200]) == ()
    assert leaked(body[:200]) == ()
    assert leaked(b"-----BEGIN PRIVATE KEY") == ()
    assert leaked(b"8J+ZiA==\n-----END PRIVATE KEY-----") == ()


def test_scalar_that_is_cut_proves_nothing() -> None:
    """The rest of it is a private key too, and nobody's."""
    encoded = der_of(written("P-256", PrivateFormat.TraditionalOpenSSL))
    assert leaked(encoded[:30]) == ()
    assert leaked(b64encode(encoded[:30])) == ()


def test_private_key_inside_the_bits_of_a_public_one_is_found() -> None:
    """An SPKI whose BIT STRING is an RSAPrivateKey: somebody's own encoder."""
    inner = der_of(written("RSA", PrivateFormat.TraditionalOpenSSL))
    algorithm = der.encode(der.OID, spki.RSA_OID) + b"\5\0"
    outer = der.encode(
        der.SEQUENCE,
        der.encode(der.SEQUENCE, algorithm),
        der.encode(der.BIT_STRING, b"\0", inner),
    )
    assert leaked(pem("PUBLIC KEY", outer)) == half("RSA")


def test_ber_private_key_is_found() -> None:
    """Indefinite length is no DER, and a private key all the same."""
    encoded = der_of(private_pem("P-256"))
    assert leaked(b"\x30\x80" + encoded[3:] + b"\0\0") == half("P-256")


def test_several_keys_all_count_as_leaked_once() -> None:
    data = private_pem("RSA") + private_pem("P-256") + private_pem("RSA")
    assert set(leaked(data)) == {*half("RSA"), *half("P-256")}
    assert len(leaked(data)) == 2


def test_private_key_is_found_before_size_but_nothing_is_read_beyond_32_kib() -> None:
    assert leaked(private_pem("RSA") + b" " * 10_000_000) == half("RSA")
    assert refusal(b" " * 32768 + private_pem("RSA")).reason is Reason.TOO_LARGE
    label = b"-----BEGIN PRIVATE KEY"
    assert leaked(label.rjust(32768)) == ()
    assert refusal(label.rjust(32769)).reason is Reason.TOO_LARGE


def test_rsa_half_has_the_exponent_that_could_be_registered() -> None:
    other = rsa.generate_private_key(public_exponent=3, key_size=2048)
    numbers = other.public_key().public_numbers()
    block = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (key,) = refusal(block).leaked
    assert (key.n, key.e) == (numbers.n, 65537)


@pytest.mark.parametrize("least", [3, 17, 65537, 2**32 - 999])
@pytest.mark.parametrize("form", ["of the product", "of the least common multiple"])
def test_rsa_key_without_its_primes_is_proven_however_its_exponent_was_made(
    least: int, form: str
) -> None:
    """RFC 8017 §3.2 takes the least common multiple, and many programs take the product."""
    primes: Any = private_key("RSA")
    p, q = primes.private_numbers().p - 1, primes.private_numbers().q - 1
    modulus = p * q if form == "of the product" else lcm(p, q)
    exponent = next(each for each in count(least, 2) if gcd(each, modulus) == 1)
    number = pow(exponent, -1, modulus)
    assert leaked(forged(e=exponent, d=number)) == half("RSA")
    assert leaked(forged(e=exponent, d=number + 2)) == ()


def victim() -> PublicKey:
    return key_of("RSA")


def forged(**members: int) -> str:
    n, e = victim().n, victim().e
    numbers = {"n": n, "e": e} | members
    jwk = {name: encode_url(_bytes(value)) for name, value in numbers.items()}
    return json.dumps({"kty": "RSA"} | jwk)


def _bytes(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


@pytest.mark.parametrize(
    "members",
    [
        {"d": 65537},
        {"e": 1, "d": 1},
        {"e": 0, "d": 0},
        {"e": 3, "d": 1},
        {"e": 2**32 + 1, "d": 5},
        {"p": 1, "d": 7},
        {"p": 0, "q": 0, "d": 7},
        {"p": key_of("RSA").n, "q": 1, "d": 7},
    ],
)
def test_nobody_can_block_a_key_by_making_up_numbers(members: dict[str, int]) -> None:
    assert leaked(forged(**members)) == ()


def test_nobody_can_block_a_key_by_naming_it_beside_another_private_key() -> None:
    """A file may name any public key, so the portal derives it from the private key."""
    jwk = private_jwk("P-256") | {
        name: value for name, value in _other_ec().jwk_members.items() if name in {"x", "y"}
    }
    assert leaked(json.dumps(jwk)) == half("P-256")
    named = der_of(private_pem("Ed25519")) + b"\x81\x21\0" + bytes(32)
    assert leaked(pem("PRIVATE KEY", named)) == half("Ed25519")


def _other_ec() -> PublicKey:
    return parse_public_key(
        openssl(
            "pkey",
            "-pubout",
            stdin=openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        )
    )


@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "ML-DSA-44"])
def test_damaged_private_value_proves_nothing(kind: str) -> None:
    jwk = key_of(kind).jwk_members | {"d": "AAAA", "priv": "AAAA"}
    assert leaked(json.dumps(jwk)) == () or kind == "P-256"
    assert half(kind)[0] not in leaked(json.dumps(jwk))


def test_explicit_curve_of_a_private_key_proves_nothing() -> None:
    block = openssl(
        "ec", "-param_enc", "explicit", stdin=written("P-256", PrivateFormat.TraditionalOpenSSL)
    )
    assert leaked(block) == ()


def _trace(refused: BaseException | None) -> str:
    """Return whatever can be reached from an exception: its text, fields, chain and frames."""
    parts: list[object] = []
    while refused is not None:
        parts += [str(refused), repr(refused), refused.args, vars(refused)]
        frame = refused.__traceback__
        while frame is not None:
            if "/portal/" in frame.tb_frame.f_code.co_filename:
                parts.append(frame.tb_frame.f_locals)
            frame = frame.tb_next
        refused = refused.__cause__ or refused.__context__
    return repr(parts)


@pytest.mark.parametrize(
    "data",
    [
        private_pem("RSA"),
        private_pem("RSA").decode(),
        private_pem("P-256").decode().encode("utf-16"),
        json.dumps(private_jwk("RSA")),
        json.dumps(private_jwk("RSA"))[:-1],
        der_of(private_pem("Ed25519")),
        '{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}',
    ],
    ids=["PEM", "text", "UTF-16", "JWK", "cut JWK", "DER", "secret"],
)
def test_nothing_private_can_be_reached_from_the_refusal(data: bytes | str) -> None:
    refused = refusal(data)
    assert (refused.__cause__, refused.__context__) == (None, None)
    reached = _trace(refused)
    for start in range(40, len(data) - 24, 24):
        piece = data[start : start + 24]
        public = any(str(piece)[2:-1] in key.pem for key in refused.leaked)
        if len(set(piece)) > 8 and not public:
            assert repr(piece)[2:-1] not in reached


def test_errors_of_parsing_leave_no_chain_either() -> None:
    for data in (
        public_pem("RSA")[:-100] + b"-----END PUBLIC KEY-----",
        '{"kty": "RSA", "n": "x"',
        pem("CERTIFICATE", b"0\0"),
        b"\xff" * 10,
    ):
        refused = refusal(data)
        assert (refused.__cause__, refused.__context__) == (None, None)
        assert refused.__traceback__ is not None
        frames = []
        frame = refused.__traceback__
        while frame is not None:
            frames.append(frame.tb_frame.f_code.co_name)
            frame = frame.tb_next  # type: ignore[assignment]
        assert frames == ["outcome", "parse_public_key"]


def test_refusals_can_be_told_apart_by_identity_of_reason_only() -> None:
    one, two = refusal(private_pem("RSA")), refusal(private_pem("P-256"))
    assert isinstance(one, Refused)
    assert (one.found, one.needed, one.command) == (two.found, two.needed, two.command)


def test_public_keys_of_every_kind_are_not_taken_for_private_ones() -> None:
    for kind in KINDS:
        key: PrivateKey = private_key(kind)
        parse_public_key(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
