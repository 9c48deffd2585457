"""Private keys as other programs keep them: known by their numbers and shape, and proven."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    PrivateFormat,
    pkcs12,
)

from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason
from portal.core.strict.base64url import encode_url
from tests.unit.core.private.test_private import leaked
from tests.unit.core.support import der_of, key_of, private_key, private_pem, refusal, written

EC_KINDS = ("P-256", "P-384", "P-521")
ED_KINDS = ("Ed25519", "Ed448")


@cache
def rsa_numbers() -> dict[str, int]:
    """Return the numbers of the RSA key of the tests, by the names of .NET."""
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    all_ = key.private_numbers()
    return {
        "D": all_.d,
        "DP": all_.dmp1,
        "DQ": all_.dmq1,
        "Exponent": all_.public_numbers.e,
        "InverseQ": all_.iqmp,
        "Modulus": all_.public_numbers.n,
        "P": all_.p,
        "Q": all_.q,
    }


def big(value: int, size: int = 0) -> bytes:
    return value.to_bytes(size or (value.bit_length() + 7) // 8, "big")


def parameters() -> dict[str, str | None]:
    """Return `RSAParameters` as .NET serializes it."""
    return {name: b64encode(big(value)).decode() for name, value in rsa_numbers().items()}


def scalar(kind: str) -> bytes:
    key = private_key(kind)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return big(key.private_numbers().private_value, (key.key_size + 7) // 8)


def point(kind: str) -> tuple[bytes, bytes]:
    key = private_key(kind)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    public, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    return big(public.x, size), big(public.y, size)


def seed(kind: str) -> bytes:
    return private_key(kind).private_bytes_raw()  # type: ignore[union-attr]  # of the Edwards kinds


def raw_public(kind: str) -> bytes:
    return private_key(kind).public_key().public_bytes_raw()  # type: ignore[union-attr]


def capi() -> bytes:
    """Return a PRIVATEKEYBLOB, as `RSACryptoServiceProvider.ExportCspBlob(true)` gives it."""
    of = rsa_numbers()
    size = of["Modulus"].bit_length() // 8
    blob = struct.pack("<BBHI4sII", 7, 2, 0, 0xA400, b"RSA2", 8 * size, of["Exponent"])
    blob += of["Modulus"].to_bytes(size, "little")
    for name in ("P", "Q", "DP", "DQ", "InverseQ"):
        blob += of[name].to_bytes(size // 2, "little")
    return blob + of["D"].to_bytes(size, "little")


def cng_rsa(magic: bytes) -> bytes:
    """Return what `CngKey.Export` gives: with all numbers under the magic word RSA3."""
    of = rsa_numbers()
    size = of["Modulus"].bit_length() // 8
    blob = struct.pack("<4s5I", magic, 8 * size, 3, size, size // 2, size // 2)
    blob += big(of["Exponent"]) + big(of["Modulus"]) + big(of["P"]) + big(of["Q"])
    if magic == b"RSA3":
        blob += b"".join(big(of[name], size // 2) for name in ("DP", "DQ", "InverseQ"))
        blob += big(of["D"], size)
    return blob


def cng_ec(kind: str, magic: bytes) -> bytes:
    return magic + struct.pack("<I", len(scalar(kind))) + b"".join(point(kind)) + scalar(kind)


def pvk() -> bytes:
    return struct.pack("<6I", 0xB0B5F11E, 0, 1, 0, 0, len(capi())) + capi()


def jks(magic: int = 0xFEEDFEED) -> bytes:
    """Return the beginning of a Java keystore with one private key."""
    alias = struct.pack(">H", 5) + b"mykey"
    return (
        struct.pack(">IIII", magic, 2, 1, 1)
        + alias
        + bytes(8)
        + struct.pack(">I", 400)
        + bytes(400)
    )


def p12() -> bytes:
    key = private_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    return pkcs12.serialize_key_and_certificates(
        b"mine", key, None, None, BestAvailableEncryption(b"changeit")
    )


def spelled(data: bytes) -> dict[str, bytes | str]:
    """Return bytes in each way in which they are written as text, and as they are."""
    digits = data.hex()
    pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    base64 = b64encode(data).decode()
    return {
        "binary": data,
        "base64": base64,
        "base64 in lines": "\n".join(base64[at : at + 76] for at in range(0, len(base64), 76)),
        "base64url": encode_url(data),
        "base64 in a program": f'var key = Convert.FromBase64String("{base64}");',
        "base64 in JSON of PHP": json.dumps({"key": base64}).replace("/", "\\/"),
        "base64 in JSON of .NET": json.dumps({"key": base64}).replace("+", "\\u002B"),
        "hex": digits,
        "HEX": digits.upper(),
        "hex with 0x": f"0x{digits}",
        "hex with colons": ":".join(pairs),
        "hex in lines": "\n".join(digits[at : at + 64] for at in range(0, len(digits), 64)),
        "hex in pairs": " ".join(pairs),
        "hex of C": "{ " + ", ".join(f"0x{pair}" for pair in pairs) + " }",
        "hex of Python": "b'" + "".join(f"\\x{pair}" for pair in pairs) + "'",
        "list": json.dumps(list(data)),
        "Buffer of Node": json.dumps({"type": "Buffer", "data": list(data)}),
        "bytes of Java": "new byte[] {"
        + ", ".join(str(each - 256 * (each > 127)) for each in data)
        + "}",
    }


def half(kind: str) -> tuple[bytes, ...]:
    return (key_of(kind).spki,)


BLOBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PKCS#8 RSA": ("RSA", lambda: der_of(private_pem("RSA"))),
    "PKCS#8 Ed25519": ("Ed25519", lambda: der_of(private_pem("Ed25519"))),
    "PKCS#1": ("RSA", lambda: der_of(written("RSA", PrivateFormat.TraditionalOpenSSL))),
    "SEC 1": ("P-256", lambda: der_of(written("P-256", PrivateFormat.TraditionalOpenSSL))),
    "OpenSSH": ("Ed25519", lambda: der_of(written("Ed25519", PrivateFormat.OpenSSH))),
    "CAPI": ("RSA", capi),
    "PVK": ("RSA", pvk),
    "CNG RSA2": ("RSA", lambda: cng_rsa(b"RSA2")),
    "CNG RSA3": ("RSA", lambda: cng_rsa(b"RSA3")),
    "CNG ECS2": ("P-256", lambda: cng_ec("P-256", b"ECS2")),
    "CNG ECK4": ("P-384", lambda: cng_ec("P-384", b"ECK4")),
    "CNG ECS6": ("P-521", lambda: cng_ec("P-521", b"ECS6")),
    "CNG ECDV": ("P-384", lambda: cng_ec("P-384", b"ECDV")),
    "NaCl": ("Ed25519", lambda: seed("Ed25519") + raw_public("Ed25519")),
}


@pytest.mark.parametrize("name", BLOBS)
def test_private_key_is_known_however_its_bytes_are_written(name: str) -> None:
    kind, make = BLOBS[name]
    for how, data in spelled(make()).items():
        if name == "NaCl" and how.endswith("in lines"):
            continue  # so short a value has no lines
        assert leaked(data) == half(kind), how


def jwk_text() -> str:
    n, e = rsa_numbers()["Modulus"], rsa_numbers()["Exponent"]
    d, p, q = (encode_url(big(rsa_numbers()[name])) for name in ("D", "P", "Q"))
    return json.dumps(
        {"kty": "RSA", "n": encode_url(big(n)), "e": encode_url(big(e)), "d": d, "p": p, "q": q}
    )


@pytest.mark.parametrize("text", [lambda: private_pem("RSA").decode(), jwk_text])
def test_private_text_is_known_when_it_is_encoded_as_a_whole(text: Callable[[], str]) -> None:
    encoded = text().encode()
    assert leaked(encoded.hex()) == half("RSA")
    assert leaked(b64encode(encoded)) == half("RSA")
    assert leaked(f"OIDC_KEY={encode_url(encoded)}") == half("RSA")
    assert leaked(json.dumps(list(encoded))) == half("RSA")


def xml(root: str, prefix: str = "", *names: str) -> str:
    values = parameters()
    inside = "".join(
        f"<{prefix}{name}>{values[name]}</{prefix}{name}>\n" for name in names or values
    )
    return f'<?xml version="1.0"?>\n<{root} xmlns:xsi="x">{inside}</{root}>'


def camel(name: str) -> str:
    return name.lower() if name.isupper() else name[0].lower() + name[1:]


def of_dotnet() -> dict[str, str]:
    """Return `RSAParameters` in what .NET programs write them to."""
    lowered = {camel(name): value for name, value in parameters().items()}
    return {
        "JSON": json.dumps(parameters()),
        "JSON, indented": json.dumps(parameters(), indent=2),
        "JSON, camel case": json.dumps(lowered),
        "tempkey.rsa of IdentityServer": json.dumps({"KeyId": "9f3a", "Parameters": parameters()}),
        "JSON of System.Text.Json": json.dumps(parameters()).replace("+", "\\u002B"),
        "JSON in JSON": json.dumps({"key": json.dumps(parameters())}),
        "JSON, cut": json.dumps(parameters())[:-9],
        "JSON, no primes": json.dumps({n: parameters()[n] for n in ("D", "Exponent", "Modulus")}),
        "XML": xml("RSAParameters"),
        "XML with prefixes": xml("a:RSAParameters", "a:"),
        "XML of the older key": xml("RSAKeyValue"),
        "XML, no primes": xml("RSAParameters", "", "Modulus", "Exponent", "D"),
        "XML, a prime": xml("RSAParameters", "", "Modulus", "Exponent", "Q"),
    }


@pytest.mark.parametrize("how", of_dotnet())
def test_rsa_parameters_of_dotnet_are_a_private_key(how: str) -> None:
    assert leaked(of_dotnet()[how]) == half("RSA")


@pytest.mark.parametrize("name", ["D", "P", "Q", "DP", "DQ", "InverseQ"])
def test_one_private_name_of_dotnet_is_enough(name: str) -> None:
    values = {"Modulus": parameters()["Modulus"], "Exponent": "AQAB", name: "AQID"}
    assert leaked(json.dumps(values)) == ()
    assert leaked(json.dumps(values)[:-1]) == ()
    inside = "".join(f"<{each}>{value}</{each}>" for each, value in values.items())
    assert leaked(f"<RSAParameters>{inside}</RSAParameters>") == ()


def test_public_parameters_of_dotnet_are_no_private_key() -> None:
    values = dict.fromkeys(parameters()) | {
        name: parameters()[name] for name in ("Modulus", "Exponent")
    }
    assert parse_public_key(json.dumps(values)).spki == key_of("RSA").spki
    nothing = '<D xsi:nil="true" /><P/><Q></Q>'
    public = xml("RSAKeyValue", "", "Modulus", "Exponent").replace("</RSA", nothing + "</RSA")
    assert parse_public_key(public).spki == key_of("RSA").spki


def named_otherwise(secret: bytes, *public: bytes) -> list[str]:
    """Return numbers under names that nobody knows, in several notations."""
    values = [*public, secret]
    return [
        json.dumps({f"v{at}": b64encode(each).decode() for at, each in enumerate(values)}),
        "\n".join(f"v{at}: {encode_url(each)}" for at, each in enumerate(values)),
        "\n".join(f"v{at} = 0x{each.hex()}" for at, each in enumerate(values)),
        "\n".join(f"v{at} = {int.from_bytes(each, 'big')}" for at, each in enumerate(values)),
        "".join(f"<v{at}>{b64encode(each).decode()}</v{at}>" for at, each in enumerate(values)),
    ]


@pytest.mark.parametrize("name", ["D", "P", "Q"])
def test_rsa_numbers_give_it_away_under_any_name(name: str) -> None:
    for text in named_otherwise(big(rsa_numbers()[name]), big(rsa_numbers()["Modulus"])):
        assert leaked(text) == half("RSA"), text[:20]


@pytest.mark.parametrize("kind", [*EC_KINDS, *ED_KINDS])
def test_private_value_beside_its_public_half_gives_it_away_under_any_name(kind: str) -> None:
    secret = scalar(kind) if kind in EC_KINDS else seed(kind)
    public = point(kind) if kind in EC_KINDS else (raw_public(kind),)
    for text in named_otherwise(secret, *public):
        assert leaked(text) == half(kind), text[:20]
    assert leaked(json.dumps({"crv": "x", "d": encode_url(secret), "x": encode_url(public[0])}))


@pytest.mark.parametrize("kind", ED_KINDS)
def test_private_value_that_lost_its_zeros_gives_it_away(kind: str) -> None:
    short = b"\0\0" + seed(kind)[2:]
    from_seed = Ed25519PrivateKey if kind == "Ed25519" else Ed448PrivateKey
    public = from_seed.from_private_bytes(short).public_key()
    for text in named_otherwise(short, public.public_bytes_raw()):
        assert leaked(text), text[:20]


def test_private_exponent_is_proven_by_modulo_lambda_and_phi() -> None:
    """RFC 8017 §3.2 has the former, and many libraries the latter."""
    of = rsa_numbers()
    phi = (of["P"] - 1) * (of["Q"] - 1)
    other = pow(of["Exponent"], -1, phi)
    for d in (of["D"], other):
        jwk = key_of("RSA").jwk_members | {"d": encode_url(big(d))}
        assert leaked(json.dumps(jwk)) == half("RSA")
        assert leaked(json.dumps(jwk | {"d": encode_url(big(d + 2))})) == ()


@pytest.mark.parametrize("data", [jks(), jks(0xCECECECE), p12()], ids=["JKS", "JCEKS", "PKCS#12"])
def test_keystore_is_called_a_keystore(data: bytes) -> None:
    for how, text in spelled(data).items():
        refused = refusal(text)
        assert refused.reason is Reason.PRIVATE_KEY, how
        assert "keystore" in refused.found
        assert refused.leaked == ()


def public_look_alikes() -> dict[str, bytes | str]:
    """Return what is no private key and has the size, the names or the shape of one."""
    n = big(rsa_numbers()["Modulus"])
    e = big(rsa_numbers()["Exponent"])
    public_capi = struct.pack("<BBHI4sII", 6, 2, 0, 0xA400, b"RSA1", 8 * len(n), 65537) + n[::-1]
    return {
        "public CAPI blob": b64encode(public_capi),
        "public CNG blob": b64encode(struct.pack("<4s5I", b"RSA1", 2048, 3, 256, 0, 0) + e + n),
        "public CNG EC blob": b64encode(b"ECS1" + struct.pack("<I", 32) + b"".join(point("P-256"))),
        "JWKS": json.dumps({"keys": [key_of(kind).jwk_members for kind in ("RSA", *EC_KINDS)]}),
        "signature of 64 bytes": b64encode(bytes(range(64))),
        "SHA-512": bytes(range(64)).hex(),
        "fingerprints": "\n".join(key_of(kind).spki_sha256 for kind in (*EC_KINDS, *ED_KINDS)),
        "kids": json.dumps([encode_url(bytes(range(at, at + 32))) for at in range(30)]),
    }


@pytest.mark.parametrize("name", public_look_alikes())
def test_what_only_looks_alike_is_not_taken_for_private(name: str) -> None:
    assert refusal(public_look_alikes()[name]).reason is not Reason.PRIVATE_KEY


@pytest.mark.parametrize(
    "empty",
    [
        {"d": None},
        {"oth": None},
        {"key_ops": [], "oth": [], "x5c": []},
        {"d": None, "dp": None, "dq": None, "k": None, "p": None, "q": None, "qi": None, "t": None},
        {"use": None, "alg": None, "kid": None, "key_ops": None, "priv": []},
    ],
)
@pytest.mark.parametrize("kind", ["RSA", "P-256", "Ed25519"])
def test_member_without_a_value_is_not_private(kind: str, empty: dict[str, object]) -> None:
    jwk = key_of(kind).jwk_members | empty
    for text in (json.dumps(jwk), json.dumps({"keys": [jwk]}, indent=2)):
        key = parse_public_key(text)
        assert key.spki == key_of(kind).spki
        says = "without a value" in " ".join(key.notes)
        assert says == bool(empty.keys() & {"d", "oth", "priv"})


def test_member_without_a_value_hides_no_other_that_has_one() -> None:
    jwk = {"d": None} | key_of("RSA").jwk_members | {"p": encode_url(big(rsa_numbers()["P"]))}
    assert leaked(json.dumps(jwk)) == half("RSA")
    assert leaked(json.dumps(jwk)[:-1]) == half("RSA")
    assert leaked('{"kty": "RSA", "d": null, "p": "AQID"') == ()


@pytest.mark.parametrize("kind", [*EC_KINDS, *ED_KINDS])
def test_bare_private_value_is_not_said_to_be_one_and_its_half_is_blocked_all_the_same(
    kind: str,
) -> None:
    secret = scalar(kind) if kind in EC_KINDS else seed(kind)
    for text in (secret.hex(), f"0x{secret.hex()}", b64encode(secret), encode_url(secret)):
        refused = refusal(text)
        assert refused.reason is Reason.BARE_BYTES
        assert key_of(kind) in refused.leaked
        assert f"{len(secret)} bytes" in refused.found
        assert "fingerprint" in refused.needed


def test_bare_bytes_of_any_other_length_are_no_private_value() -> None:
    for text in ("00" * 31, b64encode(bytes(33)), encode_url(bytes(64)), "0" * 63, "00" * 20):
        refused = refusal(text)
        assert refused.reason is not Reason.BARE_BYTES
        assert refused.leaked == ()


def test_values_of_the_length_of_two_secrets_are_no_private_key() -> None:
    """64 bytes may be a private value of P-521, or a seed of Ed25519 and its public key in one."""
    values = [bytes([number]) * 64 for number in range(1, 5)]
    text = " ".join(map(encode_url, values))
    assert refusal(text).reason is not Reason.PRIVATE_KEY
    assert refusal(f'"{text}"').reason is not Reason.PRIVATE_KEY
