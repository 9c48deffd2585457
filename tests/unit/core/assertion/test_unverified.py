"""What cannot be read as an assertion is refused by name, and always as unreadable."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from portal.core.assertion import MAX_ASSERTION_BYTES, UNREADABLE, parse_unverified
from portal.core.reasons import Reason, Refused
from portal.core.strict.base64url import encode_url
from tests.unit.core.assertions import CLAIMS, assemble, part, raw_signature, sign

HEADER = {"alg": "ES256"}
GOOD = sign()
FORM = "Three parts of base64url with a dot between them: header.claims.signature."
OBJECT = "A JSON object in UTF-8, with each member once."
NOT_PLAIN = "is not valid JSON."


@dataclass(frozen=True)
class Case:
    name: str
    data: str | bytes
    reason: Reason
    found: str


def three(header: str, payload: str, signature: str = "c2ln") -> str:
    return f"{header}.{payload}.{signature}"


def claims_text(text: str | bytes) -> str:
    return assemble(HEADER, text)


FLATTENED = json.dumps({"payload": part(CLAIMS), "protected": part(HEADER), "signature": "c2ln"})
GENERAL = json.dumps({"payload": part(CLAIMS), "signatures": [{"signature": "c2ln"}]})

CASES = [
    Case("nothing", "", Reason.ASSERTION_EMPTY, "Nothing."),
    Case("white space", " \n", Reason.ASSERTION_EMPTY, "Nothing."),
    Case(
        "one byte too many", "a" * (MAX_ASSERTION_BYTES + 1), Reason.ASSERTION_TOO_LARGE, "16 KiB"
    ),
    Case("1 MB", b"a." * 500_000, Reason.ASSERTION_TOO_LARGE, "16 KiB"),
    Case("a dash", GOOD + "\u2013", Reason.ASSERTION_NOT_ASCII, "outside ASCII"),
    Case("not UTF-8", b"\xff" + GOOD.encode(), Reason.ASSERTION_NOT_ASCII, "outside ASCII"),
    Case("lone surrogate", "\ud800" + GOOD, Reason.ASSERTION_NOT_ASCII, "outside ASCII"),
    Case("Bearer", "Bearer " + GOOD, Reason.ASSERTION_BEARER_PREFIX, "The word Bearer"),
    Case("bearer", "bearer " + GOOD, Reason.ASSERTION_BEARER_PREFIX, "The word Bearer"),
    Case("quoted", f'"{GOOD}"', Reason.ASSERTION_QUOTED, "A quotation mark"),
    Case("apostrophes", f"'{GOOD}'", Reason.ASSERTION_QUOTED, "A quotation mark"),
    Case("flattened", FLATTENED, Reason.ASSERTION_JSON_FORM, "JSON, possibly"),
    Case("general", GENERAL, Reason.ASSERTION_JSON_FORM, "JSON, possibly"),
    Case("line break", GOOD[:50] + "\n" + GOOD[50:], Reason.ASSERTION_WHITE_SPACE, "line break"),
    Case("line break at the end", GOOD + "\n", Reason.ASSERTION_WHITE_SPACE, "line break"),
    Case("space", GOOD[:50] + " " + GOOD[50:], Reason.ASSERTION_WHITE_SPACE, "A space"),
    Case("padding", three(part(HEADER) + "==", part(CLAIMS)), Reason.ASSERTION_PADDED, "equals"),
    Case("JWE", "eyJh.eyJh.eyJh.eyJh.eyJh", Reason.ASSERTION_ENCRYPTED, "Five parts"),
    Case("empty JWE", "....", Reason.ASSERTION_ENCRYPTED, "Five parts"),
    Case("one part", "eyJh", Reason.ASSERTION_PARTS, "1 part."),
    Case("two parts", "eyJh.eyJh", Reason.ASSERTION_PARTS, "2 parts."),
    Case("four parts", GOOD + ".", Reason.ASSERTION_PARTS, "4 parts."),
    Case("detached", three(part(HEADER), ""), Reason.ASSERTION_DETACHED, "detached payload"),
    Case("empty", "..", Reason.ASSERTION_DETACHED, "detached payload"),
    Case("plus", three(part(HEADER) + "+", "e30"), Reason.ASSERTION_BASE64URL, "The header is not"),
    Case("slash", three(part(HEADER), "/" * 4), Reason.ASSERTION_BASE64URL, "The payload is not"),
    Case(
        "NUL", three(part(HEADER), "e30", "\0" * 4), Reason.ASSERTION_BASE64URL, "The signature is"
    ),
    Case("length 1", three(part(HEADER), "e30", "A" * 5), Reason.ASSERTION_BASE64URL, "signature"),
    Case("last bits", three(part(HEADER), "e31"), Reason.ASSERTION_BASE64URL, "The payload is not"),
    Case(
        "last bits of signature", three(part(HEADER), "e30", "AB"), Reason.ASSERTION_BASE64URL, "s"
    ),
    Case("not UTF-8 inside", claims_text(b'{"a":"\xff"}'), Reason.ASSERTION_NOT_UTF8, "not UTF-8"),
    Case("UTF-16", claims_text('{"a":1}'.encode("utf-16")), Reason.ASSERTION_NOT_UTF8, "not UTF-8"),
    Case("byte order mark", claims_text('\ufeff{"a":1}'), Reason.ASSERTION_NOT_JSON, NOT_PLAIN),
    Case(
        "Python",
        claims_text("{'a': 1}"),
        Reason.ASSERTION_NOT_JSON,
        "The payload is not valid JSON",
    ),
    Case("header", assemble("x", {}), Reason.ASSERTION_NOT_JSON, "The header is not valid JSON"),
    Case("empty header", ".e30.c2ln", Reason.ASSERTION_NOT_JSON, "The header is not valid JSON"),
    Case("array", claims_text("[]"), Reason.ASSERTION_NOT_JSON, "not a JSON object"),
    Case("string", claims_text('"{}"'), Reason.ASSERTION_NOT_JSON, "not a JSON object"),
    Case("NaN", claims_text('{"exp":NaN}'), Reason.ASSERTION_NOT_JSON, "not well-formed JSON"),
    Case("Infinity", claims_text('{"exp":Infinity}'), Reason.ASSERTION_NOT_JSON, "not well-formed"),
    Case(
        "1e400",
        claims_text('{"exp":1e400}'),
        Reason.ASSERTION_NOT_JSON,
        "contains a number that is too",
    ),
    Case(
        "-1e400",
        claims_text('{"exp":-1e400}'),
        Reason.ASSERTION_NOT_JSON,
        "contains a number that is too",
    ),
    Case("huge int", claims_text('{"exp":%s}' % ("9" * 5000)), Reason.ASSERTION_NOT_JSON, "JSON"),
    Case("two values", claims_text("{} {}"), Reason.ASSERTION_NOT_JSON, NOT_PLAIN),
    Case("raw NUL", claims_text('{"a":"\0"}'), Reason.ASSERTION_NOT_JSON, NOT_PLAIN),
    Case("deep", claims_text('{"a":' * 2000), Reason.ASSERTION_TOO_NESTED, "too many brackets"),
    Case("deep array", claims_text("[" * 9000), Reason.ASSERTION_TOO_NESTED, "too many brackets"),
    Case(
        "exp twice",
        claims_text('{"exp":1,"exp":2}'),
        Reason.ASSERTION_MEMBER_TWICE,
        "duplicate member",
    ),
    Case(
        "escaped",
        claims_text('{"aud":1,"\\u0061ud":2}'),
        Reason.ASSERTION_MEMBER_TWICE,
        "duplicate member",
    ),
    Case(
        "alg twice", assemble('{"alg":"a","alg":"b"}', {}), Reason.ASSERTION_MEMBER_TWICE, "header"
    ),
    Case(
        "inside",
        claims_text('{"a":{"b":1,"b":1}}'),
        Reason.ASSERTION_MEMBER_TWICE,
        "duplicate member",
    ),
    Case(
        "surrogate", claims_text('{"jti":"\\ud800"}'), Reason.ASSERTION_CHARACTERS, "lone surrogate"
    ),
    Case("escaped NUL", claims_text('{"iss":"\\u0000"}'), Reason.ASSERTION_CHARACTERS, "NUL"),
    Case("NUL in a name", claims_text('{"\\u0000":1}'), Reason.ASSERTION_CHARACTERS, "NUL"),
    Case("NUL in an array", claims_text('{"a":["\\u0000"]}'), Reason.ASSERTION_CHARACTERS, "NUL"),
    Case(
        "NUL in the header", assemble('{"kid":"\\u0000"}', {}), Reason.ASSERTION_CHARACTERS, "NUL"
    ),
    Case("b64", assemble(HEADER | {"b64": False}, "x"), Reason.HEADER_B64, "The header has b64"),
    Case(
        "zip", assemble(HEADER | {"zip": "DEF"}, b"\x01"), Reason.HEADER_ZIP, "The header has zip"
    ),
]


def refusal_of(data: str | bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        parse_unverified(data)
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_cannot_be_read_is_refused_by_name(case: Case) -> None:
    refusal = refusal_of(case.data)
    assert refusal.reason is case.reason
    assert case.found in refusal.found
    assert refusal.needed
    assert refusal.reason in UNREADABLE


@pytest.mark.parametrize("case", [each for each in CASES if isinstance(each.data, str)])
def test_bytes_and_text_are_read_alike(case: Case) -> None:
    assert isinstance(case.data, str)
    assert refusal_of(case.data.encode("utf-8", "surrogatepass")).reason is case.reason


def test_every_reason_to_be_unreadable_has_a_case() -> None:
    of_the_request = {Reason.SEVERAL_AUTH_METHODS, Reason.PARAMETER_REPEATED}
    assert {case.reason for case in CASES} == UNREADABLE - of_the_request


def test_form_is_told_in_one_sentence() -> None:
    assert refusal_of("eyJh").needed == FORM
    assert refusal_of(claims_text("x")).needed == OBJECT


def test_good_assertion_is_read_and_not_believed() -> None:
    unverified = parse_unverified(GOOD)
    assert unverified.header == {"alg": "ES256", "kid": "ES256"}
    assert unverified.claims == CLAIMS
    assert unverified.signing_input == GOOD.rpartition(".")[0].encode()
    assert encode_url(unverified.signature) == GOOD.rpartition(".")[2]
    assert unverified.unverified_client_id == "client-1"
    assert (unverified.unverified_kid, unverified.unverified_alg) == ("ES256", "ES256")


@pytest.mark.parametrize(
    ("claims", "client_id"),
    [
        ({"iss": "a", "sub": "b"}, "b"),
        ({"iss": "a"}, "a"),
        ({"iss": "a", "sub": 1}, "a"),
        ({"iss": ["a"], "sub": None}, None),
        ({}, None),
    ],
)
def test_client_is_the_subject_or_else_the_issuer(claims: object, client_id: str | None) -> None:
    assert parse_unverified(assemble(HEADER, claims)).unverified_client_id == client_id


def test_kid_and_alg_that_are_no_strings_are_none() -> None:
    unverified = parse_unverified(assemble({"kid": 1, "alg": None}, {}))
    assert (unverified.unverified_kid, unverified.unverified_alg) == (None, None)


def test_empty_signature_is_read() -> None:
    """It says more, later, that the algorithm is none."""
    assert parse_unverified(assemble({"alg": "none"}, {}, b"")).signature == b""


def test_pair_of_surrogates_is_one_character() -> None:
    assert parse_unverified(claims_text('{"jti":"\\ud83d\\ude00"}')).claims == {
        "jti": "\N{GRINNING FACE}"
    }


def test_backslash_before_u0000_is_no_nul() -> None:
    assert parse_unverified(claims_text('{"jti":"\\\\u0000"}')).claims == {"jti": "\\u0000"}


def test_largest_signature_fits() -> None:
    size = len(raw_signature("ML-DSA-87", b""))
    assert len(assemble({"alg": "ML-DSA-87"}, CLAIMS, b"x" * size)) < MAX_ASSERTION_BYTES / 2


def test_input_of_exactly_the_limit_is_looked_at() -> None:
    assert refusal_of("a" * MAX_ASSERTION_BYTES).reason is Reason.ASSERTION_PARTS


def test_refusal_shows_nothing_of_the_assertion() -> None:
    for case in CASES:
        refusal = refusal_of(case.data)
        assert "eyJ" not in str(refusal.args)
        assert refusal.__cause__ is None
