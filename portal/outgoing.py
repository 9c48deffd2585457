"""HTTP requests that the portal sends: the only module that connects to an address of a user's.

Such an address is a way into the operator's network. So the portal resolves the name once, refuses
every address that is not public, and connects to an address that it has checked (ADR 0028).
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from functools import cache
from http.client import HTTPConnection, HTTPException, IncompleteRead
from io import BufferedReader, RawIOBase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

TIME_LIMIT_S: Final = 10.0
"""How long a request may take, from the name to the last byte of the response."""
LIMIT_BYTES: Final = 64 * 1024
"""How many bytes a response may have, with its status line and headers."""
LONGEST_URL: Final = 500

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host, as text. Raises `OSError`."""

_MAX_ADDRESSES: Final = 4
_URL: Final = re.compile(r"[\x21-\x7e]+")
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*")
_FIRST_FREE_PORT: Final = 1024
# The special-purpose registries of IANA (RFC 6890). Python's own list differs by version.
_NOT_PUBLIC: Final = [
    ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Azure's service for metadata has an address that is public.
        "168.63.129.16/32",
        # IPv6 outside 2000::/3, which is all global unicast in use (RFC 4291 §2.4).
        *("::/3", "4000::/2", "8000::/1"),
        # Teredo, benchmarks, documentation, 6to4.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
_NO_ADDRESS: Final = "its host has no public address"


class RequestFailed(Exception):  # noqa: N818 - it says what happened
    """There is no response. The message is a clause without a full stop, for people."""


class UrlRefused(RequestFailed):
    """The portal sends nothing to this URL, because of its form or its host's addresses."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response. Header names are case-insensitive. A redirect is a response like others."""

    status: int
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == _DEFAULT_PORTS[self.scheme]
        return host if is_default else f"{host}:{self.port}"


_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def check_url(url: str) -> None:
    """Raise `UrlRefused` if the portal sends nothing to such a URL. Resolves no name."""
    _parse(url)


def request(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str],
    resolve: Resolve | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> Response:
    """Send a request and return the response. Raises `RequestFailed` and `UrlRefused`.

    Follows no redirect, uses no proxy, keeps no cookie, and verifies the certificate for the name.
    """
    target, deadline = _parse(url), _Deadline(time_limit_s)
    try:
        addresses = _resolve(target, deadline, resolve or _system_resolve)
        _check_addresses(target, addresses)
        with _connect(target, addresses, deadline) as connected:
            wire = _Bounded(connected, deadline)
            return _exchange(target, wire, method, body, headers)
    except ssl.SSLCertVerificationError as failure:
        raise RequestFailed(f"the certificate is not valid: {failure.verify_message}") from None
    except TimeoutError:
        raise RequestFailed(f"there was no answer within {time_limit_s:g} seconds") from None
    except ssl.SSLError as failure:
        reason = (failure.reason or "unknown").replace("_", " ").lower()
        raise RequestFailed(f"TLS failed: {reason}") from None
    except (OSError, HTTPException, ValueError) as failure:
        known = failure.strerror if isinstance(failure, OSError) else None
        raise RequestFailed(f"the connection failed: {known or type(failure).__name__}") from None


def _parse(url: str) -> _Target:
    if not _URL.fullmatch(url) or "\\" in url:
        raise UrlRefused("it must have only ASCII characters, without spaces and \\")
    if len(url) > LONGEST_URL:
        raise UrlRefused(f"it has {len(url)} characters, and {LONGEST_URL} are the most")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlRefused("it is not a URL with a host") from None
    schemes = ("https", "http") if settings.OUTGOING_HTTP else ("https",)
    if parts.scheme not in schemes:
        raise UrlRefused(f"it must begin with {' or '.join(f'{each}://' for each in schemes)}")
    if not _HOST.fullmatch(host):
        raise UrlRefused("it is not a URL with a host")
    if "@" in parts.netloc or "#" in url:
        raise UrlRefused("it must not have a user, a password or a fragment")
    usual = _DEFAULT_PORTS[parts.scheme]
    port = usual if port is None else port
    if port != usual and port < _FIRST_FREE_PORT:
        raise UrlRefused(f"its port is {port}; it must be {usual}, or from {_FIRST_FREE_PORT} on")
    query = f"?{parts.query}" if parts.query else ""
    return _Target(parts.scheme, host, port, (parts.path or "/") + query)


# --- Addresses -----------------------------------------------------------------------------------


def is_public(address: Address) -> bool:
    """Return whether the address is one of the Internet's: not of a network, host or group."""
    return not any(address in network for network in _NOT_PUBLIC)


def _reached(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for: mapped (RFC 4291) or of NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def _check_addresses(target: _Target, addresses: Sequence[str]) -> None:
    """Raise `UrlRefused` unless all addresses may be connected to.

    The message is that for no address: it must not tell users what a private name server knows.
    """
    networks: Sequence[IPv4Network | IPv6Network] = settings.OUTGOING_NETWORKS
    for each in addresses:
        address = _reached(ip_address(each))
        is_allowed = any(address in network for network in networks)
        if not is_allowed and not is_public(address):
            raise UrlRefused(_NO_ADDRESS)
        if not is_allowed and target.scheme == "http":
            raise UrlRefused("it must begin with https://")


def _resolve(target: _Target, deadline: _Deadline, resolve: Resolve) -> Sequence[str]:
    """Return the addresses of the host: at least one. The system's resolver has no time limit."""
    found: SimpleQueue[Sequence[str] | None] = SimpleQueue()

    def run() -> None:
        try:
            found.put(resolve(target.host, target.port))
        except (OSError, UnicodeError):
            found.put(None)

    Thread(target=run, name="resolver", daemon=True).start()
    try:
        addresses = found.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError from None
    if not addresses:
        raise UrlRefused(_NO_ADDRESS)
    return addresses[:_MAX_ADDRESSES]


def _system_resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # An address with a zone, such as fe80::1%eth0, is link-local.
    return [str(address[0]).partition("%")[0] for *_, address in found]


# --- One exchange --------------------------------------------------------------------------------


class _Deadline:
    """The end of a request."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises `TimeoutError` if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _connect(target: _Target, addresses: Sequence[str], deadline: _Deadline) -> socket.socket:
    """Return a connection to the first address that answers, with TLS unless it is plain http."""
    failure: OSError | None = None
    for number, address in enumerate(addresses):
        # An address that does not answer leaves time for the others.
        seconds = deadline.left() / (len(addresses) - number)
        try:
            connected = socket.create_connection((address, target.port), timeout=seconds)
            break
        except OSError as error:
            failure = error
    else:
        raise failure or TimeoutError
    if target.scheme == "http":
        return connected
    try:
        connected.settimeout(deadline.left())
        return _tls().wrap_socket(connected, server_hostname=target.host)
    except BaseException:
        connected.close()
        raise


@cache
def _tls() -> ssl.SSLContext:
    """Return what verifies certificates and names, by the system's list or `SSL_CERT_FILE`."""
    return ssl.create_default_context()


def _exchange(
    target: _Target,
    wire: _Bounded,
    method: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Response:
    connection = HTTPConnection(target.host, target.port)
    # It neither resolves the name nor connects a second time.
    connection.auto_open = 0
    connection.sock = wire
    connection.request(
        method,
        target.path,
        body=body,
        headers={"Host": target.authority, "Connection": "close", **headers},
    )
    with connection.getresponse() as response:
        # Without a bound, http.client allocates as many bytes as the response announces.
        content = response.read(LIMIT_BYTES)
        if response.length:
            raise IncompleteRead(content, response.length)
        return Response(response.status, response.headers, content)


class _Bounded:
    """What `HTTPConnection` needs of a socket, within the deadline and the limit of bytes.

    The time limit of a socket is for one operation. A server that sends a byte each second would
    never exceed it.
    """

    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._connected.settimeout(self._deadline.left())
            rest = rest[self._connected.send(rest) :]

    def makefile(self, *_: Any) -> BufferedReader:
        return BufferedReader(_Reader(self._connected, self._deadline))

    def close(self) -> None:
        """Do nothing: the caller closes the socket."""


class _Reader(RawIOBase):
    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._connected = connected
        self._deadline = deadline
        self._number = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connected.settimeout(self._deadline.left())
        number = self._connected.recv_into(buffer)
        self._number += number
        if self._number > LIMIT_BYTES:
            raise RequestFailed(f"the response is larger than {LIMIT_BYTES // 1024} KiB")
        return number
