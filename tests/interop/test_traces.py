"""Traces reach a receiver of OTLP, and contain nothing that a stranger or a secret put there."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import urlencode

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from portal.registry.models import Client
from tests.assertions import claims_of, form_of, sign
from tests.interop.conftest import Register
from tests.interop.served import serve
from tests.waiting import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Receiver:
    """A receiver of OTLP over HTTP on loopback."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.url = ""

    @property
    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(each) for each in self.raw]
        scopes = [
            scope for each in requests for of in each.resource_spans for scope in of.scope_spans
        ]
        return [span for scope in scopes for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.raw.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
    try:
        request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310 - our own
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return int(response.status)
    except HTTPError as refused:
        return refused.code


def test_requests_are_spans_with_their_statements_and_nothing_secret(
    client: Client, register: Register, tmp_path: Path
) -> None:
    pair = register(client, "ES256")
    with (
        receiver() as collector,
        serve(
            tmp_path,
            workers=1,
            TRACES_URL=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_EXPORTER_OTLP_COMPRESSION="none",
        ) as portal,
    ):
        link = f"{portal.url}/account/password/reset/key/4-my-secret/?code=my-secret"
        given = {"Traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "Cookie": "my-secret=1"}
        assert send(link, headers=given) == 200
        for _ in range(2):  # Django confirms the key first
            claims = claims_of(client.client_id, portal.url)
            form = form_of(sign(pair.private, "ES256", claims, kid=pair.kid))
            assert send(f"{portal.url}/api/oauth2/token", urlencode(form).encode()) == 200
        wait_until(lambda: len(collector.named("POST token")) == 2, "There are no spans.")
        [page] = collector.named("GET account_reset_password_from_key")
        assert page.trace_id.hex() == TRACE
        for token in collector.named("POST token"):
            children = [each for each in collector.spans if each.parent_span_id == token.span_id]
            assert children
            attributes = {each.key: each.value for each in token.attributes}
            assert attributes["http.response.status_code"].int_value == 200
            assert attributes["portal.request_id"].string_value
        # The threads that poll the ledger have no request.
        roots = [each for each in collector.spans if not each.parent_span_id]
        assert {each.kind for each in roots} == {Span.SPAN_KIND_SERVER}
        raw = b"".join(collector.raw)
        assert b"my-secret" not in raw
        assert form["client_assertion"].encode() not in raw
