"""Requests as bytes, which no library would send."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

from tests.waiting import PATIENCE_S

MORE_S = 0.3
"""How long to wait for more after an answer, of a server that does not close the connection."""


def connect(port: int, *, window: int | None = None) -> socket.socket:
    """Return a connection; `window` bytes is how much the kernel may receive ahead."""
    link = socket.socket()
    if window:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    link.settimeout(PATIENCE_S)
    link.connect(("127.0.0.1", port))
    return link


def exchange(port: int, request: bytes, *, silence_s: float = PATIENCE_S) -> bytes:
    """Send the bytes and return all that comes until the server closes or says no more.

    `silence_s` is how long it may take to answer; what it says then is not returned.
    """
    with connect(port) as link:
        link.settimeout(silence_s)
        # Who is refused early may be cut off while it is still sending.
        with suppress(OSError):
            link.sendall(request)
        answer = b""
        with suppress(OSError):
            while part := link.recv(65536):
                answer += part
                if _is_whole(answer):
                    link.settimeout(MORE_S)
        return answer


def _is_whole(answer: bytes) -> bool:
    """Tell whether the first answer has come to its end."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(end) and len(body) >= int(length[1] if length else 0)


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer in what came."""
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def head(path: str, *lines: str, method: str = "GET", host: str = "127.0.0.1") -> bytes:
    """Return the head of a request, with an end."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode(
        "latin-1"
    )
