"""Requests that the portal sends: where they may go, and what a hostile receiver can do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from portal import outgoing
from portal.outgoing import LIMIT_BYTES, RequestFailed, UrlRefused, check_url, is_public, request
from tests.receiving import OK, Answer, Receiver, receiving
from tests.waiting import PATIENCE_S

SHORT_S = 0.3


@pytest.fixture(autouse=True)
def _local(settings: Settings) -> None:
    """Allow the servers of these tests."""
    settings.OUTGOING_NETWORKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    settings.OUTGOING_HTTP = True


def local(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def post(url: str, *, seconds: float = PATIENCE_S, resolve: outgoing.Resolve = local) -> int:
    headers = {"Content-Type": "application/json"}
    answer = request(
        "POST", url, body=b"{}", headers=headers, resolve=resolve, time_limit_s=seconds
    )
    return answer.status


def test_a_request_is_sent_and_its_response_returned() -> None:
    with receiving(OK) as receiver:
        answer = request(
            "POST", receiver.url(), body=b'{"a":1}', headers={"X-Id": "7"}, resolve=local
        )
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"fine", "4")
    [sent] = receiver.requests
    head, body = sent.split(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /hook?a=b http/1.1"
    assert f"host: receiver.example:{receiver.port}" in lines
    assert {"x-id: 7", "connection: close", "content-length: 7"} <= set(lines)
    assert body == b'{"a":1}'


# --- Where requests may go -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "169.254.169.254"),  # noqa: S104
        *("172.16.0.1", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1"),
        *("239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::1"),
        *("2002:808:808::1", "2001:0:7f00:1::1", "2001:db8::1", "100::1", "4000::1"),
    ],
)
def test_address_that_is_not_public_is_refused(address: str, settings: Settings) -> None:
    settings.OUTGOING_NETWORKS = ()
    host = f"[{address}]" if ":" in address else address
    for url in (f"https://{host}/", "https://receiver.example/"):
        with pytest.raises(UrlRefused, match="has no public address"):
            request("GET", url, headers={}, resolve=lambda *_: [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_address_is_allowed(address: str) -> None:
    reached = ip_address("8.8.8.8") if address.startswith("64:") else ip_address(address)
    assert is_public(reached)


def test_a_host_with_one_address_that_is_not_public_is_refused() -> None:
    with receiving(OK) as receiver, pytest.raises(UrlRefused, match="no public address"):
        post(receiver.url(), resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert not receiver.requests


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "[::1]"])
def test_other_spellings_of_this_machine_are_refused(host: str, settings: Settings) -> None:
    """The resolver of the system reads them."""
    settings.OUTGOING_NETWORKS = ()
    with pytest.raises(RequestFailed, match="no public address"):
        request("GET", f"https://{host}:8443/", headers={})


def test_a_name_is_resolved_once() -> None:
    """DNS rebinding: the name has another address when it is resolved a second time."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with receiving(OK) as receiver:
        assert post(receiver.url(), resolve=lambda *_: answers.pop(0)) == 200
        with pytest.raises(UrlRefused, match="no public address"):
            post(receiver.url(), resolve=lambda *_: answers.pop(0))
    assert len(receiver.requests) == 1


def test_a_network_of_the_setting_is_allowed_also_mapped() -> None:
    with receiving(OK) as receiver:
        assert post(receiver.url(), resolve=lambda *_: ["127.0.0.1", "::ffff:127.0.0.1"]) == 200


def test_plain_http_is_only_for_networks_of_the_setting() -> None:
    with pytest.raises(UrlRefused, match="must begin with https://"):
        post("http://receiver.example/", resolve=lambda *_: ["8.8.8.8"])


def test_plain_http_is_refused_without_the_setting(settings: Settings) -> None:
    settings.OUTGOING_HTTP = False
    with pytest.raises(UrlRefused, match=r"must begin with https://$"):
        check_url("http://receiver.example/")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "ASCII"),
        ("https://receiver.example/a b", "ASCII"),
        ("https://receiver.example/\n", "ASCII"),
        ("https://b\u00fccher.example/", "ASCII"),
        ("https://receiver.example\\@other.example/", "ASCII"),
        ("https://receiver.example/" + "a" * 500, "500 are the most"),
        ("ftp://receiver.example/", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("//receiver.example/", "must begin with"),
        ("https:///hook", "not a URL with a host"),
        ("https://[::1/", "not a URL with a host"),
        ("https://[fe80::1%25eth0]/", "not a URL with a host"),
        ("https://receiver.example:99999/", "not a URL with a host"),
        ("https://user:word@receiver.example/", "user"),
        ("https://receiver.example/#part", "fragment"),
        ("https://receiver.example:22/", "port is 22"),
        ("https://receiver.example:80/", "port is 80"),
        ("https://receiver.example:0/", "port is 0"),
    ],
)
def test_url_of_another_form_is_refused(url: str, why: str) -> None:
    with pytest.raises(UrlRefused, match=why):
        check_url(url)


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(b"") as proxy, receiving(OK) as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(receiver.url()) == 200
    assert not proxy.requests


# --- Receivers that are slow, broken or hostile --------------------------------------------------


def hang(talk: socket.socket, _: Receiver) -> None:
    """Answer nothing until the other side closes."""
    talk.recv(1)


def drip(first: bytes) -> Answer:
    """Send this, and then a byte again and again until the other side closes."""

    def answer(talk: socket.socket, receiver: Receiver) -> None:
        talk.sendall(first)
        talk.settimeout(0.01)
        while True:
            talk.sendall(b"a")
            with suppress(TimeoutError):
                if not talk.recv(1):
                    return

    return answer


@pytest.mark.parametrize(
    "answer",
    [hang, drip(b"HTTP/1.1 200 OK\r\nX: "), drip(b"HTTP/1.1 200 OK\r\n\r\n")],
    ids=["hangs", "drips its headers", "drips its body"],
)
def test_time_limit_is_for_all_of_it(answer: Answer) -> None:
    with receiving(answer) as receiver:
        with pytest.raises(RequestFailed, match=r"no answer within 0\.3 seconds"):
            post(receiver.url(), seconds=SHORT_S)
        assert receiver.closed.wait(PATIENCE_S)


def test_time_limit_is_also_for_tls(settings: Settings) -> None:
    with receiving(hang) as receiver, pytest.raises(RequestFailed, match="no answer within"):
        post(receiver.url("https"), seconds=SHORT_S)


def test_time_limit_is_also_for_the_resolver() -> None:
    may_end = Event()
    try:
        with pytest.raises(RequestFailed, match="no answer within"):
            post(
                "https://receiver.example/",
                seconds=SHORT_S,
                resolve=lambda *_: ["8.8.8.8"] if may_end.wait(PATIENCE_S) else [],
            )
    finally:
        may_end.set()


def test_an_address_that_refuses_leaves_the_others() -> None:
    with receiving(OK) as receiver:
        # Nobody listens on ::1.
        assert post(receiver.url(), resolve=lambda *_: ["::1", "127.0.0.1"]) == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * LIMIT_BYTES,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * LIMIT_BYTES,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * LIMIT_BYTES,
    ],
    ids=["body", "headers", "chunks"],
)
def test_a_large_response_is_not_read(answer: bytes) -> None:
    with receiving(answer) as receiver, pytest.raises(RequestFailed):
        post(receiver.url())


def test_a_redirect_is_not_followed() -> None:
    with receiving(OK) as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other.url()}\r\nContent-Length: 0\r\n\r\n"
        with receiving(moved.encode()) as receiver:
            assert post(receiver.url()) == 307
    assert not other.requests


@pytest.mark.parametrize(
    "answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"\0" * 99]
)
def test_what_is_no_http_is_a_failure(answer: bytes) -> None:
    with receiving(answer) as receiver, pytest.raises(RequestFailed, match="connection failed"):
        post(receiver.url())


@pytest.mark.parametrize(
    "announced",
    [
        *(b"Content-Length: 5", b"Content-Length: 4611686018427387904"),
        b"Content-Length: 99999999999999999999999",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFFFFFF",
    ],
)
def test_a_response_that_announces_more_than_it_has_is_a_failure(announced: bytes) -> None:
    with (
        receiving(b"HTTP/1.1 200 OK\r\n" + announced + b"\r\n\r\nfine") as receiver,
        pytest.raises(RequestFailed, match="connection failed: IncompleteRead"),
    ):
        post(receiver.url())


def test_nobody_listens() -> None:
    with receiving(OK) as receiver:
        pass
    with pytest.raises(RequestFailed, match="connection failed: Connection refused"):
        post(receiver.url())


def test_a_host_without_an_address() -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror

    with pytest.raises(RequestFailed, match="no public address"):
        post("https://receiver.example/", resolve=resolve)


# --- TLS -----------------------------------------------------------------------------------------


def certified(folder: Path, name: str) -> ssl.SSLContext:
    """Return a server's TLS with a certificate that signs itself; the folder has it as ca.pem."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Trust the certificate in this folder."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    outgoing._tls.cache_clear()
    yield tmp_path
    outgoing._tls.cache_clear()


def test_the_certificate_is_checked_for_the_name_and_the_name_is_sent(trusting: Path) -> None:
    names: list[str | None] = []
    tls = certified(trusting, "receiver.example")
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    with receiving(OK, tls) as receiver:
        assert post(receiver.url("https")) == 200
        with pytest.raises(RequestFailed, match="certificate is not valid: Hostname mismatch"):
            post(receiver.url("https", "other.example"))
    assert names == ["receiver.example", "other.example"]


def test_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    tls = certified(tmp_path, "receiver.example")
    with (
        receiving(OK, tls) as receiver,
        pytest.raises(RequestFailed, match="certificate is not valid: self-signed certificate"),
    ):
        post(receiver.url("https"))
    assert not receiver.requests


def test_a_server_without_tls_is_refused() -> None:
    with (
        receiving(OK, read=lambda talk: talk.recv(1024)) as receiver,
        pytest.raises(RequestFailed, match="TLS failed"),
    ):
        post(receiver.url("https"))
