"""What a span says to the receiver of traces."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from portal.monitoring.tracing import OfRequests


def test_the_text_of_an_error_is_not_sent() -> None:
    """The instrumentation of psycopg records exceptions. Their texts contain rows."""
    received, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(OfRequests(received))
    tracer = provider.get_tracer("x")
    try:
        with (
            pytest.raises(ValueError, match="anna"),
            tracer.start_as_current_span("POST token", kind=SpanKind.SERVER),
            tracer.start_as_current_span("INSERT", kind=SpanKind.CLIENT),
        ):
            raise ValueError("Key (email)=(anna@bank.example) already exists.")
        provider.force_flush()
    finally:
        provider.shutdown()
    sent = received.get_finished_spans()
    assert [each.name for each in sent] == ["INSERT", "POST token"]
    assert {each.status.status_code for each in sent} == {StatusCode.ERROR}
    assert "anna" not in "".join(each.to_json() for each in sent)
