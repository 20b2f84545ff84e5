"""What is counted and timed, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from es_hybrid.serve.admission import Admission

# Seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, admission: Admission) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "es_hybrid_requests",
            "Requests answered, by the door they took and the status.",
            ["door", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "es_hybrid_request_seconds",
            "Seconds until the answer was sent, by door.",
            ["door"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "es_hybrid_stage_seconds",
            "Seconds of one stage of a search: embed, elasticsearch, rerank.",
            ["stage"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._degraded = Counter(
            "es_hybrid_degraded",
            "Searches answered without a part that was asked for.",
            ["part"],
            registry=registry,
        )
        self.in_flight = Gauge(
            "es_hybrid_in_flight", "Requests under way, passed-on ones too.", registry=registry
        )
        for name, what, read in (
            ("es_hybrid_places_taken", "Searches and rerankings under way.", "under_way"),
            ("es_hybrid_places_wanted", "Searches and rerankings that wait.", "waiting"),
        ):
            gauge = Gauge(name, what, registry=registry)
            gauge.set_function(lambda read=read: float(getattr(admission, read)))  # type: ignore[misc]

    def searched(self, timings: Mapping[str, float], degraded: tuple[str, ...]) -> None:
        """Count one search.

        Args:
            timings: Stage -> milliseconds.
            degraded: Each as `part: why`.
        """
        for stage, milliseconds in timings.items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        for line in degraded:
            self._degraded.labels(line.partition(":")[0]).inc()

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
