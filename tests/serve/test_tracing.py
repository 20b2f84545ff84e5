"""Spans for a search and for each of its stages, in the caller's trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from es_hybrid.errors import RerankError
from es_hybrid.node import EmbeddedNode
from tests.fakes.http import HttpServer
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.live import OWN_QUERY, Recorder, make_index, search
from tests.serve.running import serving

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLERS = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
BODY = {**OWN_QUERY, "ext": {"es_hybrid": {"text": "red"}}}


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def index(es: Elasticsearch, index_name: str) -> str:
    make_index(es, index_name, FakeEmbedder.identity)
    return index_name


@pytest.fixture
def spans(exporter: InMemorySpanExporter, index: str) -> Iterator[InMemorySpanExporter]:
    """Without the spans of Elasticsearch's client, which made the index."""
    exporter.clear()
    yield exporter
    exporter.clear()


def test_a_search_and_its_stages_are_spans_of_the_callers_trace(
    spans: InMemorySpanExporter, node: EmbeddedNode, index: str
) -> None:
    with (
        HttpServer(Recorder(node)) as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), reranker=FakeReranker()) as url,
    ):
        assert search(url, index, BODY, **CALLERS).status == 200
        continued = {seen.header("traceparent") for seen in upstream.seen}
    finished = {span.name: span for span in spans.get_finished_spans()}
    assert set(finished) == {"search", "embed", "elasticsearch", "rerank"}
    whole = finished.pop("search")
    assert f"{whole.context.trace_id:032x}" == TRACE
    assert (whole.attributes or {})["db.collection.name"] == index
    for span in finished.values():
        assert span.parent is not None
        assert span.parent.span_id == whole.context.span_id
    assert continued == {f"00-{TRACE}-{whole.context.span_id:016x}-01"}


def test_the_span_of_a_failed_stage_has_its_error(
    spans: InMemorySpanExporter, node: EmbeddedNode, index: str
) -> None:
    with serving(
        node.url, embedder=FakeEmbedder(), reranker=FakeReranker(error=RerankError("is dead"))
    ) as url:
        assert search(url, index, BODY).status == 200
    (rerank,) = _named(spans, "rerank")
    assert rerank.status.status_code is trace.StatusCode.ERROR
    assert rerank.status.description == "is dead"
    (whole,) = _named(spans, "search")
    assert whole.status.status_code is not trace.StatusCode.ERROR


def test_what_passes_through_keeps_the_callers_trace(spans: InMemorySpanExporter) -> None:
    with HttpServer() as upstream, serving(upstream.url, embedder=FakeEmbedder()) as url:
        search(url, "a", {"query": {"match_all": {}}}, **CALLERS)
    assert [seen.header("traceparent") for seen in upstream.seen] == [CALLERS["traceparent"]]
    assert spans.get_finished_spans() == ()


def _named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]
