"""OpenTelemetry spans: one for a search, one inside it for each stage.

Only its API is used: without an SDK in the process nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import propagate, trace

from es_hybrid.errors import EsHybridError
from es_hybrid.retrieval.needs import Need

T = TypeVar("T")

_tracer = trace.get_tracer("es_hybrid.serve")


@contextmanager
def search_span(callers: Mapping[str, str], index: str) -> Iterator[trace.Span]:
    """A span around one search.

    Args:
        callers: The headers that name the caller's trace, where there is one.
        index: What is searched.
    """
    with _tracer.start_as_current_span(
        "search",
        context=propagate.extract(callers),
        kind=trace.SpanKind.SERVER,
        attributes={"db.system.name": "elasticsearch", "db.collection.name": index},
    ) as span:
        yield span


def with_stage_spans(search: Generator[Need, Any, T]) -> Generator[Need, Any, T]:
    """The same search, with a span from each need to its answer."""
    try:
        need = next(search)
        while True:
            span = _tracer.start_span(need.stage)
            try:
                result = yield need
            except EsHybridError as error:
                span.record_exception(error)
                span.set_status(trace.StatusCode.ERROR, error.message)
                span.end()
                need = search.throw(error)
            else:
                span.end()
                need = search.send(result)
    except StopIteration as end:
        found: T = end.value
        return found
