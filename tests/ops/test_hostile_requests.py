"""Requests that no library would send, and ways of asking that may not change a key set."""

from __future__ import annotations

import pytest

from tests.ops.hostile import ASKS, FORM, LOGIN, TOKEN, Target
from tests.ops.wire import exchange, head, statuses

ODD_HEADS = {
    "a header of a megabyte": head(LOGIN, f"X-A: {'a' * 2**20}"),
    "ten thousand headers": head(LOGIN, *(f"X-{n}: a" for n in range(10_000))),
    "a megabyte of cookies": head(LOGIN, f"Cookie: {'a=b; ' * 200_000}"),
    "a path of a megabyte": head(f"/{'a' * 2**20}"),
    "a header folded over two lines": head(LOGIN, "X-A: a\r\n b"),
    "a header without a colon": head(LOGIN, "nonsense"),
    "a NUL in a header": head(LOGIN, "X-A: a\0b"),
    "a bare carriage return": head(LOGIN, "X-A: a\rX-B: b"),
    "a header with a space before its colon": head(LOGIN, "Content-Length : 5"),
    "two lengths": head(LOGIN, "Content-Length: 5", "Content-Length: 6"),
    "a negative length": head(LOGIN, "Content-Length: -5", method="POST"),
    "a length of words": head(LOGIN, "Content-Length: five", method="POST"),
    "no host": b"GET /account/login/ HTTP/1.1\r\n\r\n",
    "a host with a path": head(LOGIN, host="127.0.0.1/evil"),
    "another host": head(LOGIN, host="evil.example"),
    "a host that is a header": head(LOGIN, host="127.0.0.1:80:90"),
    "a version that is none": b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "TLS to a port without": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "a second protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("sent", ODD_HEADS.values(), ids=ODD_HEADS)
def test_odd_head_is_refused_and_no_failure_of_ours(target: Target, sent: bytes) -> None:
    # Some are cut off without a word, and one gets none.
    answer = exchange(target.port, sent, silence_s=2)
    assert all(400 <= status < 500 for status in statuses(answer))
    assert b"evil" not in answer
    target.check_known()


SMUGGLING = {
    "length and chunks": ("Content-Length: {}", "Transfer-Encoding: chunked"),
    "chunks and length": ("Transfer-Encoding: chunked", "Content-Length: {}"),
    "chunks that are unknown": ("Content-Length: {}", "Transfer-Encoding: xchunked"),
    "chunks twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "chunks behind a tab": ("Content-Length: {}", "Transfer-Encoding:\tchunked"),
    "chunks behind another coding": ("Content-Length: {}", "Transfer-Encoding: gzip, chunked"),
}


@pytest.mark.parametrize("lines", SMUGGLING.values(), ids=SMUGGLING)
def test_request_whose_length_is_said_twice_carries_no_other_one(
    target: Target, lines: tuple[str, ...]
) -> None:
    """RFC 9112 §6.1: it is refused, or the chunks count, and the connection is closed."""
    body = b"0\r\n\r\n" + head(target.known)
    lengths = [line.format(len(body)) for line in lines]
    form = head(TOKEN, f"Content-Type: {FORM}", *lengths, method="POST")
    answer = exchange(target.port, form + body)
    [status] = statuses(answer)
    assert 400 <= status < 500
    assert b'"keys"' not in answer


@pytest.mark.parametrize("path", ["known", "unknown", "healthz"])
def test_body_that_nobody_reads_is_no_request(target: Target, path: str) -> None:
    paths = {"known": target.known, "unknown": "/clients/x/jwks.json", "healthz": "/healthz"}
    body = head(TOKEN, method="POST")
    answer = exchange(target.port, head(paths[path], f"Content-Length: {len(body)}") + body)
    assert statuses(answer) == [404 if path == "unknown" else 200]


ODD_PATHS = [
    "//clients/{id}/jwks.json",
    "/clients//{id}/jwks.json",
    "/clients/{id}//jwks.json",
    "/clients/{id}/jwks.json/",
    "/clients/{id}/./jwks.json",
    "/clients/x/../{id}/jwks.json",
    "/clients/{id}/jwks.json/..",
    "/clients/{id}/JWKS.json",
    "/CLIENTS/{id}/jwks.json",
    "/clients/{id}/jwks.json;a=b",
    "/clients/{id}/jwks.json%00",
    "/clients/{id}%00/jwks.json",
    "/clients/{id}%20/jwks.json",
    "/clients/{id}/jwks.json%0d%0aX-Injected:1",
    "/clients/{id}%2fjwks.json%2f",
    "/clients/{id}/jwks.json%23",
    "/clients/{id}/jwks.json%3f",
    "/clients/{id}/jwks%252ejson",
    "/clients/%ff/jwks.json",
    "/clients/{id}\\jwks.json",
    "/..%2f..%2fetc%2fpasswd",
    "/static/../portal/settings.py",
    "/static/%2e%2e/%2e%2e/portal/settings.py",
    "/static/..%5c..%5cportal%5csettings.py",
    "*",
]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_odd_path_leads_nowhere(target: Target, path: str) -> None:
    spelled = path.replace("{id}", target.known.split("/")[2])
    answer = exchange(target.port, head(spelled, "Connection: close"))
    [status] = statuses(answer)
    # To sign in is where every unknown page leads a stranger.
    assert status in {302, 400, 404}
    assert b"SECRET_KEY" not in answer
    assert b'"keys"' not in answer
    assert b"\r\nX-Injected" not in answer


SAME_PATHS = [
    "{path}?",
    "{path}?client_id=other",
    "{path}?a=%00%ff&callback=evil",
    "{path}?" + "a" * 4000,
    "{escaped}",
    "http://evil.example{path}",
    "http://127.0.0.1{path}?x",
]


@pytest.mark.parametrize("path", SAME_PATHS)
def test_way_of_asking_changes_no_byte_of_a_set(target: Target, path: str) -> None:
    for known in (target.cold(), target.known):  # answered by Django, and from memory
        escaped = known.replace("jwks", "%6awks")
        spelled = path.replace("{path}", known).replace("{escaped}", escaped)
        odd = {target.ask(spelled).content for _ in range(ASKS)}
        assert odd == {target.ask(known).content}


ODD_HEADERS: list[dict[str, str]] = [
    {"Host": "evil.example"},
    {"Host": ""},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Original-URL": "/console/", "X-Rewrite-URL": "/console/"},
    {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "POST"},
    {"Accept": "text/html", "Accept-Encoding": "gzip, br", "Accept-Language": "xx"},
    {"Accept-Charset": "utf-7", "Content-Type": "text/plain; charset=rot13"},
    {"Cookie": "sessionid=x; csrftoken=y; __Host-session=z"},
    {"Authorization": "Bearer x"},
    {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
    {"Range": "bytes=0-1", "If-Range": '"x"'},
    {"If-Modified-Since": "Wed, 01 Jan 2031 00:00:00 GMT", "If-Match": '"x"'},
    {"If-None-Match": '"' + "x" * 4000 + '"'},
    {"HX-Request": "true", "HX-Target": "x"},
    {"Cache-Control": "no-cache, no-store", "Pragma": "akamai-x-cache-on"},
    {"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"},
    {"Proxy": "http://evil.example", "Via": "1.1 evil", "X-Real-IP": "1"},
    {"Content-Length": "0", "Expect": "100-continue"},
]


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=lambda headers: next(iter(headers)))
def test_header_changes_no_byte_of_a_set(target: Target, headers: dict[str, str]) -> None:
    """A cache in front keys on the path, so the first request must not decide for later ones."""
    for known in (target.cold(), target.known):  # answered by Django, and from memory
        odd = {target.ask(known, headers=headers).content for _ in range(ASKS)}
        assert odd == {target.ask(known).content}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE", "X"])
def test_what_other_methods_are_answered_with_is_not_kept(target: Target, method: str) -> None:
    answer = target.ask(target.known, method)
    assert (answer.status, answer.header("cache-control")) in {(405, "no-store"), (400, "")}
    assert b'"keys"' not in answer.body
    target.check_known()


def test_another_host_is_refused_in_pages_and_not_logged(target: Target) -> None:
    size = target.serving.log.stat().st_size
    assert target.ask(LOGIN, headers={"Host": "evil.example"}).status == 400
    assert target.ask(LOGIN).status == 200
    assert target.serving.log.read_bytes()[size:].count(b"evil") == 0


def test_token_request_in_chunks_is_answered(target: Target) -> None:
    """RFC 9112 §7.1. Some clients of HTTP send no length; nginx gives it one, and we need none."""
    form = target.token_form().encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (form[:100], form[100:]))
    lines = (f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
    answer = exchange(target.port, head(TOKEN, *lines, method="POST") + chunks + b"0\r\n\r\n")
    assert statuses(answer) == [200]
    assert b'"access_token"' in answer


def test_token_request_in_chunks_without_an_end_is_not_read_to_it(target: Target) -> None:
    filler = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    lines = (f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
    answer = exchange(target.port, head(TOKEN, *lines, method="POST") + filler * 64)
    assert statuses(answer) in ([400], [])
    target.check_known()
