"""Traces by OpenTelemetry. Only a process with TRACES_URL imports this module (ADR 0035)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from portal.logs import request_id
from portal.metrics import NAME_SPAN
from portal.publishing.cached_jwks import Application

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_PARENT: Final = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE"}
_METHODS: Final = {"GET", "HEAD", "POST", "OPTIONS"}


class OfRequests(BatchSpanProcessor):
    """Exports the spans of requests, and not those of threads that poll the ledger.

    Without the texts of errors: one of a database may contain a whole row.
    """

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        if span.parent or span.kind is SpanKind.SERVER:
            super().on_end(_without_texts(span))


def _without_texts(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        span.name,
        span.context,
        span.parent,
        span.resource,
        span.attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def new_provider(url: str) -> TracerProvider:
    """Return what sends spans to an OTLP receiver at this URL, and trace all SQL with it.

    The variables of OpenTelemetry decide about the rest, such as OTEL_TRACES_SAMPLER.
    """
    name = os.environ.get("OTEL_SERVICE_NAME", "key-portal")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(OfRequests(OTLPSpanExporter(endpoint=url)))
    # It records statements without their parameters.
    PsycopgInstrumentor().instrument(tracer_provider=provider)
    return provider


def traced(application: Application, tracer: Tracer) -> Application:
    """Return a WSGI application that makes a span for each request.

    A span has no path and no query, which may contain secrets, but the name of the route. The code
    that knows it calls `portal.metrics.name_span`.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        carrier = {name: environ[key] for name, key in _PARENT.items() if key in environ}
        # Strangers choose methods, too.
        method = environ["REQUEST_METHOD"]
        method = method if method in _METHODS else "_OTHER"
        with tracer.start_as_current_span(
            method,
            _PROPAGATOR.extract(carrier),
            SpanKind.SERVER,
            {"http.request.method": method, "portal.request_id": request_id(environ)},
            # The text of an error may contain what was sent.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            environ[NAME_SPAN] = lambda endpoint: span.update_name(f"{method} {endpoint}")

            def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                code = int(status.partition(" ")[0])
                span.set_attribute("http.response.status_code", code)
                if code >= 500:
                    span.set_status(StatusCode.ERROR)
                return start_response(status, headers, *more)

            return application(environ, start)

    return answer
