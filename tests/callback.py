"""A local HTTP server for the redirect URI of a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Callback:
    """The URL of the server, the requests it got, and the target of its redirect, if any."""

    uri: str
    then: str = ""
    told: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def callback_server() -> Iterator[Callback]:
    """Serve the page until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/callback":
                callback.told.append(dict(parse_qsl(parts.query)))
                if callback.then:
                    self.send_response(302)
                    self.send_header("Location", callback.then)
                    self.end_headers()
                    return
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            # An empty icon, so that no browser requests /favicon.ico and logs an error.
            self.wfile.write(b"<!doctype html><link rel=icon href='data:,'><h1>Back again</h1>")

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        callback = Callback(f"http://127.0.0.1:{server.server_port}/callback")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield callback
        server.shutdown()
        thread.join()
