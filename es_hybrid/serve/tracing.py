"""OpenTelemetry spans: one for a search, one inside it for each stage.

Only the OpenTelemetry API is used: without an SDK in the process nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace

from es_hybrid.errors import EsHybridError
from es_hybrid.retrieval.needs import Need

_tracer = trace.get_tracer("es_hybrid.serve")


@contextmanager
def search_span(headers: Mapping[str, str], index: str) -> Iterator[trace.Span]:
    """A span around one search.

    Args:
        headers: The caller's trace headers, if any.
        index: What is searched.
    """
    with _tracer.start_as_current_span(
        "search",
        context=propagate.extract(headers),
        kind=trace.SpanKind.SERVER,
        attributes={"db.system.name": "elasticsearch", "db.collection.name": index},
    ) as span:
        yield span


@contextmanager
def stage_span(need: Need) -> Iterator[None]:
    """A span from a need to its answer."""
    span = _tracer.start_span(need.stage)
    try:
        yield
    except EsHybridError as error:
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR, error.message)
        raise
    finally:
        span.end()
