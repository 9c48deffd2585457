"""What people have around a key is undone, one layer in the other, and named."""

from __future__ import annotations

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from itertools import product
from urllib.parse import quote

import pytest

from portal.core.formats import layers
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason
from tests.unit.core.support import der_of, key_of, openssl, private_pem, public_pem, refusal

WRAPPINGS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64url": lambda text: urlsafe_b64encode(text.encode()).rstrip(b"=").decode(),
    "hexadecimal digits": lambda text: text.encode().hex(),
    "a list of numbers": lambda text: " ".join(map(str, text.encode())),
    "a data URL": lambda text: f"data:;base64,{b64encode(text.encode()).decode()}",
    "percent-encoding": lambda text: quote(text, safe=""),
    "HTML": lambda text: html.escape(text).replace("\n", "&#10;"),
    "a Markdown code block": lambda text: f"```\n{text}\n```",
    "marks before each line": lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
    "escapes": lambda text: json.dumps(text)[1:-1],
    "a string of JSON": json.dumps,
    "quotes": lambda text: f"“{text}”",
    "a named value": lambda text: f"KEY={json.dumps(text)}",
    "JSON": lambda text: json.dumps({"value": text}),
    "dashes": lambda text: text.replace("-----", "\u2014\u2014\u2013"),
    "invisible characters": lambda text: text.replace("K", "K\u200b"),
}
PAIRS = [
    pair
    for pair in product(WRAPPINGS, repeat=2)
    # Nobody's editor changes the dashes or the letters within these. A list of two-digit numbers
    # may be hexadecimal as well.
    if pair[1] not in {"dashes", "invisible characters"} and pair != ("a list of numbers",) * 2
]


def wrapped(text: str, pair: tuple[str, str]) -> str:
    outer, inner = pair
    return WRAPPINGS[outer](WRAPPINGS[inner](text))


@pytest.mark.parametrize("pair", PAIRS, ids=" of ".join)
def test_private_key_in_two_layers_is_refused_as_that(pair: tuple[str, str]) -> None:
    assert refusal(wrapped(private_pem("P-256").decode(), pair)).reason is Reason.PRIVATE_KEY


@pytest.mark.parametrize("pair", PAIRS, ids=" of ".join)
def test_public_key_in_two_layers_is_read(pair: tuple[str, str]) -> None:
    key = parse_public_key(wrapped(public_pem("P-256").decode(), pair))
    assert key.spki == key_of("P-256").spki


def test_layers_are_named_from_the_outermost_on() -> None:
    inside = b64encode(der_of(public_pem("P-256"))).decode()
    key = parse_public_key(f'KEY="{inside}"')
    assert key.layers == ("a named value", "quotes", "base64", "DER")
    assert key.origin == "Read from a named value, then quotes, then base64, then DER."


def test_there_is_an_end_to_layers() -> None:
    text = public_pem("P-256").decode()
    for _ in range(layers.MAX_LAYERS + 1):
        text = b64encode(text.encode()).decode()
    assert refusal(text).reason is Reason.TOO_LARGE
    assert refusal(f'"{"a" * layers.MAX_UNDONE_BYTES}a"').reason is Reason.TOO_LARGE


def test_command_in_a_refusal_is_not_for_what_is_in_a_layer() -> None:
    """It reads a file, and that file would have the layer around it."""
    curve = named_curve_spelled_out()
    assert refusal(curve).command.startswith("openssl ec -pubin -in public_key.pem")
    assert refusal(b64encode(curve)).command == ""


def named_curve_spelled_out() -> bytes:
    return openssl("ec", "-pubin", "-param_enc", "explicit", "-pubout", stdin=public_pem("P-256"))


def test_base64_of_a_block_is_found_among_other_words() -> None:
    """As `kubectl get secret -o yaml` prints it."""
    secret = f"data:\n  tls.crt: {b64encode(public_pem('P-256')).decode()}\nkind: Secret\n"
    assert parse_public_key(secret).spki == key_of("P-256").spki
