"""Metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from es_hybrid.serve.admission import Admission

# Seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one server, in its own registry."""

    def __init__(self, admission: Admission) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "es_hybrid_requests",
            "Requests answered, by door and status.",
            ["door", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "es_hybrid_request_seconds",
            "Seconds until the answer is sent, by door.",
            ["door"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "es_hybrid_stage_seconds",
            "Seconds per stage of a search: embed, elasticsearch, rerank.",
            ["stage"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._degraded = Counter(
            "es_hybrid_degraded",
            "Searches answered without a part that failed, by part.",
            ["part"],
            registry=registry,
        )
        self._rewritten = Counter(
            "es_hybrid_rewritten",
            "Searches that a rule of serve.rewrite fits, by rule and outcome: rewritten, control "
            "(not in the share, or switched off), failed (and passed through).",
            ["rule", "outcome"],
            registry=registry,
        )
        self._events = Counter(
            "es_hybrid_events",
            "Searches and events for the log of experiment.log, by outcome: written, dropped.",
            ["outcome"],
            registry=registry,
        )
        self._streamed = Counter(
            "es_hybrid_stream_events",
            "Events for the data stream of events.stream, by outcome: written, dropped.",
            ["outcome"],
            registry=registry,
        )
        self._vectors = Counter(
            "es_hybrid_query_vectors",
            "Vectors of queries, by source: embedded, remembered (embedding.query_cache).",
            ["source"],
            registry=registry,
        )
        self.in_flight = 0
        for name, what, read in (
            (
                "in_flight",
                "Requests in progress, including those passed through.",
                lambda: self.in_flight,
            ),
            ("places_taken", "Searches and rerankings in progress.", lambda: admission.in_progress),
            (
                "places_wanted",
                "Searches and rerankings waiting for a place.",
                lambda: admission.waiting,
            ),
        ):
            Gauge(f"es_hybrid_{name}", what, registry=registry).set_function(read)
        # Cached because each request needs one, and finding a label costs more than counting.
        self._requests_of = cache(self._requests.labels)
        self._seconds_of = cache(self._seconds.labels)

    def answered(self, door: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests_of(door, status).inc()
        self._seconds_of(door).observe(seconds)

    def searched(self, timings: Mapping[str, float], degraded: tuple[str, ...]) -> None:
        """Count one search.

        Args:
            timings: Stage -> milliseconds.
            degraded: Parts that failed, each as `part: why`.
        """
        for stage, milliseconds in timings.items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        for line in degraded:
            self._degraded.labels(line.partition(":")[0]).inc()

    def embedded(self, source: str) -> None:
        """Count one vector of a query: `embedded` now, or `remembered`."""
        self._vectors.labels(source).inc()

    def rewritten(self, rule: str, outcome: str) -> None:
        """Count one search that a rule of `serve.rewrite` fits."""
        self._rewritten.labels(rule, outcome).inc()

    def recorded(self, outcome: str, number: int) -> None:
        """Count searches and events that were `written` or `dropped`."""
        self._events.labels(outcome).inc(number)

    def streamed(self, outcome: str, number: int) -> None:
        """Count events for the data stream that were `written` or `dropped`."""
        self._streamed.labels(outcome).inc(number)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
