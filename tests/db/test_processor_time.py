"""No request of 64 KiB costs the processor 50 ms, whatever is in it and wherever it stands.

A thread that works holds all others of its process up, key sets too. What is measured is the time
of this thread, and of some tries the shortest counts. A neighbour on the same core still slows a
thread, so a try that takes too long is compared with work that is known, done at once after it.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from hashlib import shake_256
from itertools import cycle, islice
from types import SimpleNamespace
from typing import Final
from urllib.parse import quote_plus, urlencode

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.accounts.models import Tries
from portal.core.formats.layers import MAX_UNDONE_BYTES
from portal.core.strict.base64url import encode_url
from portal.registry.models import Client
from tests.assertions import form_of
from tests.db.oauth.token_requests import AUTHORIZE, FORM, INTROSPECT, REVOKE, TOKEN, new_signer

Bodies = Callable[..., list[tuple[str, str]]]

# Once is enough, and then on the database of production.
pytestmark = pytest.mark.postgresql

LIMIT_S = 0.050
FLOOR_S = 0.0018
"""What `floor()` takes on the machine for which the limit is meant, when it is quiet."""
TRIES = 100
"""Other work on the machine only adds to what a try takes, so one that is short enough will do."""
KIB_8, KIB_32, KIB_64 = 8 * 1024, 32 * 1024, 64 * 1024

ATOMS = {
    "letters": "a",
    "tokens": "eyJ",
    "tokens with dots": "eyJaaaaaaaa.",
    "quotes": "\"'\\",
    "words": "M ",
    "DER in short words": "MAACAQA MAAw MIAw ",
    "labels": "-----BEGIN PRIVATE KEY-----MIGH",
    "private keys": '{"kty":"EC","crv":"P-521","d":"AQ"}',
    "braces": '{"a":',
    "DER in base64": "MIICXQIBAAKBgQ ",
    "PEM in base64": "LS0tLS1CRUdJTi",
    "hexadecimal": "priv: 00:11:22:33 ",
    "XML": "<RSAKeyValue><D>AA</D>",
    "addresses": "https://a@b:1/?#",
    "escapes": "\\u0000",
    "options": "-d 'a=b' \\\n",
    "letters of two bytes": "é",
    "letters that turn the text": "\u202e",
}
SAFE = "".join(chr(each) for each in range(0x21, 0x7F) if chr(each) not in "&+%#=")


def filled(atom: str, size: int) -> str:
    """Return the atom over and over, as it stands in a form of this many bytes."""
    piece = quote_plus(atom, safe=SAFE)
    return piece * (size // len(piece))


def repeated(atom: str, size: int) -> str:
    """Return the atom over and over, cut at this many characters."""
    return (atom * (size // len(atom) + 1))[:size]


@pytest.fixture(params=["in turn", pytest.param("everywhere", marks=pytest.mark.exhaustive)])
def everywhere(request: pytest.FixtureRequest) -> bool:
    """Whether each kind of text is in each place, or the places take turns."""
    return bool(request.param == "everywhere")


@pytest.fixture
def bodies(everywhere: bool) -> Bodies:
    """Forms of this many bytes: in each one value is long, or a name, or two names alike.

    `make test-all` puts every kind of text into every value. In `make test` the values take turns,
    but for those that are parsed: all others are read and searched alike, whatever their name.
    """
    return partial(make_bodies, everywhere=everywhere)


ALIKE: Final = pytest.mark.exhaustive
"""For a path that reads what is sent in the same place as another, which `make test` asks."""

PARSED: Final = {"client_assertion", "material", "redirect_uri", "next"}


def make_bodies(
    good: dict[str, str], size: int = KIB_64, *, everywhere: bool
) -> list[tuple[str, str]]:
    """Return the forms of `bodies`."""
    forms = []
    in_turn = cycle(good)
    for kind, atom in ATOMS.items():
        turn = next(in_turn)
        for name in good:
            if not everywhere and name not in {*PARSED, turn}:
                continue
            rest = urlencode({each: good[each] for each in good if each != name})
            value = filled(atom, size - len(rest) - len(name) - 2)
            forms.append((f"{kind} in {name}", f"{name}={value}&{rest}"))
        rest = urlencode(good)
        forms.append((f"{kind} as a name", f"{filled(atom, size - len(rest) - 3)}=a&{rest}"))
        twice = f"{filled(atom, (size - len(rest)) // 2 - 3)}=a&" * 2
        forms.append((f"{kind} as two names", f"{twice}{rest}"))
    return forms


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long this thread works on it."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def floor() -> int:
    """Work that is known, to be compared with."""
    return sum(each * each for each in range(50_000))


def measure(requests: list[tuple[str, str]], send: Callable[[str], object]) -> None:
    """Send every request, and fail with those that take too long."""
    found = []
    send(requests[0][1])
    for name, body in requests:
        times: list[float] = []
        while len(times) < TRIES and (not times or times[-1] > LIMIT_S):
            taken = seconds_of(lambda: send(body))  # noqa: B023 - called at once
            slowed = 1.0 if taken <= LIMIT_S else max(1.0, seconds_of(floor) / FLOOR_S)
            times.append(taken / slowed)
        if min(times) > LIMIT_S:
            found.append(f"{name}: {min(times) * 1000:.0f} ms")
    assert not found, "\n".join(found)


def values(size: int) -> str:
    """Return words that may be numbers of a private key, all different and none of any use."""
    stream = shake_256(size.to_bytes(2, "big")).digest(KIB_32)
    numbers = (stream[at : at + size] for at in range(0, len(stream) - size, size))
    return " ".join(encode_url(bytes((each[0] | 128,)) + each[1:-1] + b"\1") for each in numbers)


def big_number(bits: int) -> str:
    """Return a number as base64url."""
    return encode_url(((1 << bits) - 1).to_bytes(bits // 8, "big"))


N, D = big_number(4096), big_number(4088)
SEED = encode_url(bytes(range(32)))
MADE_UP_KEYS = {
    "RSA keys": f'{{"kty":"RSA","n":"{N}","e":"AQAB","d":"{D}"}}',
    "RSA keys of another exponent": f'{{"kty":"RSA","n":"{N}","e":"____-w","d":"{D}"}}',
    "EC keys": f'{{"kty":"EC","crv":"P-521","d":"{encode_url(bytes(range(66)))}"}}',
    "Ed448 keys": f'{{"kty":"OKP","crv":"Ed448","d":"{encode_url(bytes(range(57)))}"}}',
    "ML-DSA keys": f'{{"kty":"AKP","alg":"ML-DSA-87","priv":"{SEED}"}}',
    **{f"values of {size} bytes": values(size) for size in (32, 48, 57, 64, 66, 128, 256, 1024)},
    "long values and short ones": f"{values(1024)[:22_000]} {values(32)}",
}
AROUND_IT = {
    "curl": "curl https://a -d '{}'",
    "curl with quotes": "curl https://a -d \"{}\" -H '{}'",
    "HTTP": "POST / HTTP/1.1\r\na: b\r\n\r\n{}",
    "a form": "grant_type=a&client_assertion={}",
    "a form without an assertion": "grant_type=a&client_assertion=&{}",
    "JSON": '{{"grant_type":"{}"}}',
    "a program": "fetch(client_assertion: {}",
}
JSON_KINDS = {
    "many members": "{" + ",".join(f'"{each}":1' for each in range(1200)) + "}",
    "one long member": json.dumps({"a": "eyJ" * 3900}),
    "a long array": json.dumps({"aud": [1] * 3900}),
    "a long member": json.dumps({"a" * 11000: "a"}),
    "values": json.dumps({"a": values(32)[:11_000]}),
    "many values": json.dumps({"a": values(66)[:11_000].split()}),
    "an issuer": json.dumps({"iss": "https://" * 1400, "sub": "a", "aud": "https://" * 60}),
}


def assertions() -> list[tuple[str, str]]:
    """Return assertions that are as long as they may be."""
    empty = encode_url(b"{}")
    inner = [(kind, encode_url(value.encode())) for kind, value in JSON_KINDS.items()]
    return [
        *((f"{kind} in the claims", f"{empty}.{each}.AAAA") for kind, each in inner),
        *((f"{kind} in the header", f"{each}.{empty}.AAAA") for kind, each in inner),
    ]


LAYERS = {
    "quotes": '"{}"',
    "a mail": "> -----BEGIN {}",
    "an assignment": 'export KEY="{}"',
    "escapes": "\\n{}",
    "percent-encoding": "%0A{}",
    "JSON": '{"keys":["{}"]}',
    "invisible characters": "\u200b{}",
}
"""What is around a key and undone; what comes out is searched for private keys once more."""
IN_LAYERS = ("values of 48 bytes", "values of 64 bytes", "DER in short words", "labels")
"""What takes long without a layer."""


def layered(*, everywhere: bool) -> list[tuple[str, str]]:
    """Return texts that take long in the layers that people have around keys, and as base64.

    In each layer are all these texts, or they take turns.
    """
    texts = []
    in_turn = cycle(IN_LAYERS)
    for name in (*LAYERS, "base64"):
        for kind in islice(in_turn, len(IN_LAYERS) if everywhere else 1):
            inside = repeated((ATOMS | MADE_UP_KEYS)[kind], MAX_UNDONE_BYTES - 100)
            text = (
                LAYERS[name].replace("{}", inside)
                if name in LAYERS
                else b64encode(inside.encode()).decode()
            )
            texts.append((f"{kind} in {name}", text))
    return texts


def pastes(*, everywhere: bool) -> list[tuple[str, str]]:
    """Return what somebody may paste into the debugger: requests and assertions, all long.

    Each kind of text is in every kind of request, or in three, which take turns.
    """
    found = []
    in_turn = cycle(AROUND_IT.items())
    for kind, atom in ATOMS.items():
        for around, form in islice(in_turn, len(AROUND_IT) if everywhere else 3):
            text = form.replace(
                "{}", atom * ((KIB_64 - 60) // len(atom.encode()) // form.count("{}"))
            )
            found.append((f"{kind} in {around}", text))
    found += assertions()
    return [*found, *((kind, repeated(atom, KIB_64)) for kind, atom in MADE_UP_KEYS.items())]


@pytest.mark.parametrize(
    "path", [TOKEN, *(pytest.param(each, marks=ALIKE) for each in (INTROSPECT, REVOKE))]
)
def test_requests_of_strangers_to_the_endpoints_of_clients(
    payments: Client, path: str, bodies: Bodies
) -> None:
    browser = Browser()

    def send(body: str) -> None:
        assert 400 <= browser.post(path, body, content_type=FORM).status_code < 500

    form = form_of("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", client_id=payments.client_id)
    measure(bodies(form | {"client_secret": "a", "scope": "read"}), send)
    if path != TOKEN:
        return  # the three endpoints read requests in one and the same place
    made_up = [
        *((kind, repeated(atom, KIB_64 - 300)) for kind, atom in MADE_UP_KEYS.items()),
        *assertions(),
    ]
    for name in ("client_assertion", "client_secret"):
        measure([(kind, urlencode(form | {name: each})) for kind, each in made_up], send)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (TOKEN, {"scope": "read", "resource": "https://api.example.com"}),
        (TOKEN, {"grant_type": "authorization_code", "code": "a", "redirect_uri": "https://a"}),
        (TOKEN, {"grant_type": "refresh_token", "refresh_token": "a"}),
        (INTROSPECT, {"token": "a", "token_type_hint": "a"}),
        pytest.param(REVOKE, {"token": "a", "token_type_hint": "a"}, marks=ALIKE),
    ],
)
def test_requests_of_clients_that_sign_in(
    payments: Client, cast: SimpleNamespace, path: str, form: dict[str, str], bodies: Bodies
) -> None:
    signer = new_signer(payments, cast.alice)
    signed = len(urlencode(signer.form()))

    def send(body: str) -> None:
        given = form_of(signer.assertion())
        if "grant_type=" in body:
            del given["grant_type"]
        Browser().post(path, f"{body}&{urlencode(given)}", content_type=FORM)

    measure(bodies(form, KIB_64 - signed - 1), send)


@pytest.mark.parametrize("size", [KIB_8, KIB_64])
def test_authorization_requests(
    payments: Client, cast: SimpleNamespace, size: int, bodies: Bodies
) -> None:
    signer = new_signer(payments, cast.alice)
    browser = Browser()
    browser.force_login(cast.alice)
    query = bodies(signer.consent_query() | {"resource": "https://api.example.com"}, size)
    measure(query, lambda body: browser.post(f"{AUTHORIZE}?{body}", {"allow": "true"}))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("account_login", {"login": "alice@example.com", "password": "a", "next": "/"}),
        ("account_signup", {"email": "a@example.com", "password1": "a", "password2": "a"}),
        ("account_reset_password", {"email": "alice@example.com"}),
    ],
)
def test_forms_of_people_who_are_not_signed_in(
    cast: SimpleNamespace, name: str, form: dict[str, str], bodies: Bodies
) -> None:
    browser = Browser()

    def send(body: str) -> None:
        Tries.objects.all().delete()
        browser.post(reverse(name), body, content_type=FORM)

    measure(bodies(form), send)


@pytest.mark.parametrize(
    "path",
    [
        "/clients/{}/jwks.json",
        "/clients/{}/",
        "/token-requests/{}/",
        "/account/confirm-email/{}/",
        "/account/password/reset/key/1-{}/",
        "/{}",
        "/?{}",
        "/.well-known/oauth-authorization-server?{}",
        "/account/login/?next={}",
    ],
)
def test_addresses(db: None, path: str) -> None:
    browser = Browser()
    paths = [(kind, path.format(filled(atom, KIB_64))) for kind, atom in ATOMS.items()]
    measure(paths, browser.get)


@pytest.mark.parametrize("header", ["Authorization", "Cookie", "Accept-Language", "HX-Request"])
def test_headers(db: None, header: str) -> None:
    browser = Browser()

    def send(value: str) -> None:
        browser.post(TOKEN, "grant_type=a", content_type=FORM, headers={header: value})
        browser.get("/account/login/", headers={header: value})

    measure([(kind, filled(atom, KIB_64)) for kind, atom in ATOMS.items()], send)


def test_pastes_of_people_who_are_signed_in(
    payments: Client, cast: SimpleNamespace, everywhere: bool
) -> None:
    browser = Browser()
    browser.force_login(cast.alice)
    path = reverse("assertion_debugger", args=[payments.client_id])

    def send(text: str) -> None:
        Tries.objects.all().delete()
        browser.post(path, {"paste": text})

    measure(
        [
            ("a word", "a"),
            *((kind, atom * (KIB_64 // len(atom.encode()))) for kind, atom in ATOMS.items()),
            *pastes(everywhere=everywhere),
            *layered(everywhere=everywhere),
        ],
        send,
    )


def test_keys_of_people_who_are_signed_in(
    payments: Client, cast: SimpleNamespace, bodies: Bodies, everywhere: bool
) -> None:
    browser = Browser()
    browser.force_login(cast.alice)
    path = reverse("key_register", args=[payments.client_id])

    def send(body: str) -> None:
        Tries.objects.all().delete()
        browser.post(path, body, content_type=FORM)

    keys = [
        (kind, urlencode({"material": repeated(atom, KIB_32)}))
        for kind, atom in MADE_UP_KEYS.items()
    ]
    keys += [(name, urlencode({"material": text})) for name, text in layered(everywhere=everywhere)]
    measure([*bodies({"material": "a", "label": "a"}), *keys], send)
