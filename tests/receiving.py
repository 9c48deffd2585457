"""A server on 127.0.0.1 that receives the HTTP requests of the portal, and misbehaves on demand."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from tests.waiting import PATIENCE_S

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"


@dataclass
class Receiver:
    """A server on 127.0.0.1, the requests it got, and when its last connection was closed."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    closed: Event = field(default_factory=Event)

    def url(self, scheme: str = "http", host: str = "receiver.example") -> str:
        return f"{scheme}://{host}:{self.port}/hook?a=b"


Answer = Callable[[socket.socket, Receiver], None]


def read_request(talk: socket.socket) -> bytes:
    with talk.makefile("rb") as stream:
        head = b""
        while (line := stream.readline()) not in {b"", b"\r\n"}:
            head += line
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return head + b"\r\n" + stream.read(int(length[1]) if length else 0)


@contextmanager
def receiving(
    answer: Answer | bytes,
    tls: ssl.SSLContext | None = None,
    read: Callable[[socket.socket], bytes] = read_request,
) -> Iterator[Receiver]:
    """Serve until the block ends: read a request, then let `answer` go on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver = Receiver(server.getsockname()[1])

        def serve() -> None:
            while True:
                try:
                    connected, _ = server.accept()
                except OSError:
                    return
                connected.settimeout(PATIENCE_S)
                with suppress(OSError), connected:
                    talk = tls.wrap_socket(connected, server_side=True) if tls else connected
                    with talk:
                        receiver.requests.append(read(talk))
                        if isinstance(answer, bytes):
                            talk.sendall(answer)
                        else:
                            answer(talk, receiver)
                receiver.closed.set()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def header_of(request: bytes, name: str) -> str:
    """Return the value of a header of a request."""
    found = re.search(rf"(?im)^{re.escape(name)}: (.*?)\r$".encode(), request)
    assert found, name
    return found[1].decode()
