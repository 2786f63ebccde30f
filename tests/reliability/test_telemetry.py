"""OpenTelemetry's instrumentation of httpx sees the requests of both clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from faults import kinds
from faults.server import FaultServer
from support.flavours import Flavour
from support.quick import QUICK


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()
    provider.shutdown()


def test_each_attempt_is_a_span(spans: InMemorySpanExporter, server: FaultServer, flavour: Flavour) -> None:
    server.script([None, kinds.answer(503)])
    assert len(flavour.contacts(server.url, client=QUICK)) == 11
    finished = spans.get_finished_spans()
    statuses = [(span.attributes or {}).get("http.status_code") for span in finished]
    assert statuses == [200, 503, 200, 200]
    assert {span.name for span in finished} == {"GET"}
    assert "traceparent" in server.requests[-1].headers
