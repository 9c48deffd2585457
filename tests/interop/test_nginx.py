"""The portal behind a real nginx with deploy/nginx.conf: tokens, pages, https and limits."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from portal.registry.models import Client
from tests.assertions import claims_of, form_of, sign
from tests.interop.conftest import Pair, Register
from tests.interop.nginx import (
    FORM,
    HOST,
    LOGIN,
    OPERATOR,
    STRANGER,
    TOKEN,
    Answer,
    Fleet,
    nginx,
    post_token,
)
from tests.interop.served import ROOT
from tests.processes import free_port

ISSUER = f"https://{HOST}"


def token_request(pair: Pair, alg: str = "ES256") -> bytes:
    claims = claims_of(pair.key.client.client_id, ISSUER)
    return urlencode(form_of(sign(pair.private, alg, claims, kid=pair.kid))).encode()


# --- Tokens --------------------------------------------------------------------------------------


def test_a_client_gets_a_token_once_and_nobody_caches_it(
    front: Fleet, client: Client, register: Register
) -> None:
    body = token_request(register(client, "ES256"))
    given = post_token(front, body)
    assert given.status == 200, given.body
    assert given.headers["Cache-Control"] == "no-store"
    assert json.loads(given.body)["scope"] == "read"
    again = post_token(front, body)
    assert (again.status, json.loads(again.body)["error"]) == (401, "invalid_client")


def test_over_http_the_token_endpoint_refuses_and_does_not_redirect(
    front: Fleet, client: Client, register: Register
) -> None:
    body = token_request(register(client, "ES256"))
    claimed = FORM | {"X-Forwarded-Proto": "https", "Forwarded": "proto=https"}
    assert front.ask(TOKEN, method="POST", body=body, https=False, headers=claimed).status == 400
    assert post_token(front, body).status == 200  # none was redeemed


def test_a_token_request_may_have_64_kib_and_no_more(front: Fleet) -> None:
    fits = post_token(front, b"a" * 65_536)
    assert (fits.status, json.loads(fits.body)["error"]) == (401, "invalid_client")
    more = post_token(front, b"a" * 65_537)
    assert (more.status, json.loads(more.body)["error"]) == (413, "invalid_request")


def test_who_floods_the_token_endpoint_is_told_to_wait_and_nobody_else(front: Fleet) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: post_token(front, b"a", source="127.0.0.9"),
                range(120),
            )
        )
    told = [answer for answer in answers if answer.status == 429]
    assert told
    assert json.loads(told[0].body)["error"] == "temporarily_unavailable"
    assert told[0].headers["Retry-After"] == "1"
    assert {answer.status for answer in answers} == {401, 429}
    assert post_token(front, b"a").status == 401
    # Key sets and pages are counted for themselves.
    assert front.ask("/clients/nobody/jwks.json", source="127.0.0.9").status == 404
    assert front.ask(LOGIN, source="127.0.0.9").status == 200


# --- Pages and static files ----------------------------------------------------------------------


def sign_up(front: Fleet, source: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send the form for a new account without a password, as a browser does."""
    path = "/account/signup/"
    page = front.ask(path, source=source)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
    assert found
    form = {"csrfmiddlewaretoken": found[1], "email": "a@example.com"}
    sent = FORM | {"Cookie": cookie, "Referer": ISSUER + path} | dict(headers or {})
    return front.ask(
        path, method="POST", body=urlencode(form).encode(), source=source, headers=sent
    )


def test_limits_count_the_real_address_whatever_is_claimed(front: Fleet) -> None:
    claims = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(3)]
    claims[1] = {"X_Forwarded_For": "192.0.2.2"}
    assert [sign_up(front, "127.0.7.1", claim).status for claim in claims] == [200, 200, 429]
    assert sign_up(front, "127.0.8.1").status == 200


def test_people_are_led_to_https_whatever_is_claimed(front: Fleet) -> None:
    led = front.ask(LOGIN, https=False, headers={"X-Forwarded-Proto": "https"})
    assert (led.status, led.headers["Location"]) == (301, f"{ISSUER}/account/login/")
    # nginx drops names with underscores, which would be the same name to the portal.
    underscored = {"X_Forwarded_Proto": "https"}
    assert front.ask(LOGIN, https=False, headers=underscored).status == 301


def test_what_is_uploaded_is_never_written_to_a_file(front: Fleet) -> None:
    folder = front.folder / "client_body"
    before = folder.stat().st_mtime_ns
    most = 128 * 1024
    assert front.ask(LOGIN, method="POST", body=b"a" * most, headers=FORM).status == 403  # no token
    page = front.ask(LOGIN, method="POST", body=b"a" * (most + 1), headers=FORM)
    assert page.status == 413
    assert "The portal did not read or keep any of it." in page.body.decode()
    assert folder.stat().st_mtime_ns == before


def test_pages_are_not_cached(front: Fleet) -> None:
    pages = [front.ask(LOGIN) for _ in range(2)]
    assert pages[0].headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert pages[0].headers["Set-Cookie"] != pages[1].headers["Set-Cookie"]


def test_static_files_are_cached_and_small(front: Fleet) -> None:
    page = front.ask(LOGIN).body.decode()
    found = re.search(r'href="(/static/web/portal[^"]+\.css)"', page)
    assert found
    answers = [
        front.ask(found[1], headers={"Accept-Encoding": how}) for how in ("gzip", "identity")
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert gzip.decompress(answers[0].body) == answers[1].body
    assert "immutable" in answers[0].headers["Cache-Control"]
    lines = [line for line in front.logged(2, found[1]).splitlines() if found[1] in line]
    assert [line.split()[-2] for line in lines] == ["MISS", "HIT"]


# --- Hygiene -------------------------------------------------------------------------------------


def test_another_host_gets_no_answer(front: Fleet) -> None:
    with pytest.raises(HTTPException):
        front.ask(LOGIN, https=False, host="elsewhere.example.com")
    with pytest.raises(HTTPException):
        front.ask(LOGIN, host="elsewhere.example.com")


def test_another_name_gets_no_certificate(front: Fleet) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", front.secure)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="elsewhere.example.com")


def test_health_is_answered_by_address(front: Fleet) -> None:
    for path in ("/healthz", "/readyz"):
        answer = front.ask(path, https=False, host=f"127.0.0.1:{front.plain}")
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")


def test_an_ipv6_network_counts_as_one_and_each_ipv4_address_for_itself(tmp_path: Path) -> None:
    made = Fleet(tmp_path, [free_port(), free_port()])
    port = free_port()
    beside = f"""server {{
        listen 127.0.0.1:{port};
        set_real_ip_from 127.0.0.1;
        real_ip_header Address;
        location / {{ return 200 $counted_address; }}
    }}"""

    def counted(address: str) -> str:
        with closing(HTTPConnection("127.0.0.1", port, 20)) as wire:
            wire.request("GET", "/", headers={"Address": address})
            return wire.getresponse().read().hex()

    with nginx(made, beside):
        assert counted("192.0.2.10") == "c000020a"
        assert counted("::ffff:192.0.2.10") == "c000020a"
        # A line feed is a byte like any other.
        assert counted("2001:db8:a0a:1::a0a") == counted("2001:db8:a0a:1:2:3:4:5")
        assert counted("2001:db8:a0a:1::a0a") == "20010db80a0a0001"
        assert counted(OPERATOR) == ""


def test_people_are_answered_over_ipv6_too(front: Fleet) -> None:
    assert front.ask(LOGIN, source="::1").status == 200
    assert front.ask(LOGIN, source="::1", https=False).status == 301


def handshake(front: Fleet, ciphers: str, version: ssl.TLSVersion) -> str | None:
    """Return the cipher that nginx takes of these in this version of TLS, None when it refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore"):  # of old versions
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", front.secure)) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=HOST) as secure:
                found = secure.cipher()
                return found[0] if found else None
        except ssl.SSLError:
            return None


def test_tls_is_what_rfc_9325_recommends(front: Fleet) -> None:
    old, new = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
    assert handshake(front, "ALL", old) is None
    every = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    every.set_ciphers("ALL:@SECLEVEL=0")
    kinds: dict[str, Any] = {
        each["name"]: each for each in every.get_ciphers() if each["protocol"] != "TLSv1.3"
    }
    taken = {name for name in kinds if handshake(front, name, new)}
    # The certificate of these tests is for ECDSA; what is offered with another is written down.
    found = re.search(r"ssl_ciphers (\S+);", (ROOT / "deploy/nginx.conf").read_text("utf-8"))
    assert found
    offered = set(found[1].split(":"))
    assert taken == {name for name in offered if "ECDSA" in name}
    assert {(kinds[name]["aead"], kinds[name]["kea"]) for name in offered} == {(True, "kx-ecdhe")}


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "PURGE"])
def test_other_methods_end_at_nginx(method: str, front: Fleet) -> None:
    assert front.ask(LOGIN, method=method).status in {400, 405}
    assert front.ask("/clients/nobody/jwks.json", method=method).status in {400, 405}


def test_metrics_have_a_port_of_their_own_and_nginx_does_not_know_them(front: Fleet) -> None:
    assert front.ask("/healthz").status == 200
    with closing(HTTPConnection("127.0.0.1", front.metrics, 20)) as wire:
        wire.request("GET", "/metrics")
        text = wire.getresponse().read().decode()
    assert 'portal_bulkhead_slots{bulkhead="pages"} 3.0' in text
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics"):
        answer = front.ask(path)
        assert (answer.status, b"portal_" in answer.body) == (404, False)


def ids(answer: Answer) -> list[str]:
    return answer.headers.get_all("X-Request-ID") or []


def test_a_request_has_one_id_in_the_response_and_in_both_logs(front: Fleet) -> None:
    named = "given-by-a-proxy-in-front"
    assert ids(front.ask("/nowhere", headers={"X-Request-ID": named})) == [named]
    [made] = ids(front.ask("/nowhere", headers={"X-Request-ID": "un fit"}))
    assert re.fullmatch("[0-9a-f]{32}", made)
    portals = "".join(path.read_text("utf-8") for path in front.folder.glob("portal-*.log"))
    for each in (named, made):
        assert f"/nowhere (request {each})" in portals
        assert front.logged(1, f" {each}\n")


def test_a_cached_set_has_the_id_of_each_request(front: Fleet, client: Client) -> None:
    path = f"/clients/{client.client_id}/jwks.json"
    given = [ids(front.ask(path)) for _ in range(3)]
    assert [len(each) for each in given] == [1, 1, 1]
    assert len({each for [each] in given}) == 3


def test_nothing_secret_is_logged(front: Fleet) -> None:
    before = front.logged().count(f"{STRANGER} ")
    front.ask(
        "/account/password/reset/key/4-secret-in-path/?secret-in-query",
        headers={"Referer": "secret-ref"},
    )
    front.ask("/?code=secret-in-query", headers={"Cookie": "secret-cookie"})
    elsewhere: dict[str, Any] = {"https": False, "host": "elsewhere.example.com"}
    front.ask("/healthz?secret-in-query", headers={"Referer": "secret-ref"}, **elsewhere)
    with suppress(HTTPException):
        front.ask("/?secret-in-query", **elsewhere)
    assert "secret" not in front.logged(before + 4, f"{STRANGER} ")
