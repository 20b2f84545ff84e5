"""The documents of the data stream, in ECS names; `mappings/events.json` has their fields.

No user, no filter, no fact about the caller, and no product is in any of them.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from statistics import fmean
from typing import Any, Literal

from es_hybrid.errors import EsHybridError
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved, StageRank, counted, incomplete, timings_of

Event = dict[str, Any]
# A shop's request, or a body of `_search`.
Asked = SearchRequest | Mapping[str, Any]
LoadAction = Literal["load-started", "load-progress", "outage", "load-ended"]

ECS_VERSION = "8.17.0"
# The order that the reranker changes is that of the first of these stages that ranked a hit.
_BEFORE_RERANK = ("signals", "rrf", "bm25", "knn")
# `event.type`, as ECS allows it for databases.
_TYPES = {"search": "access", "outage": "error", "snapshot": "info"}
_METRICS = ("load-progress", "snapshot")


def search_event(
    asked: Asked,
    found: Retrieved | EsHybridError,
    timings: Mapping[str, float],
    *,
    index: str,
    facts: Mapping[str, Any],
) -> Event:
    """A search, or its error.

    Args:
        index: As in a path; empty for every index.
        timings: Stage -> milliseconds; `total` for the whole search.
        facts: Further fields of `es_hybrid.search`: `sample`, and `query` or `query_hash`.
    """
    error = found if isinstance(found, EsHybridError) else None
    request = asked if isinstance(asked, SearchRequest) else None
    search = {"mode": request.mode if request else "body", **facts}
    if isinstance(found, Retrieved):
        search |= _found(request, found)
        search["timings"] = timings_of(timings)
    seconds = timings["total"] / 1000
    event = _event("search", "search", index or "_all", search, error=error, seconds=seconds)
    # Messages of failed searches may quote a filter.
    event.get("error", {}).pop("message", None)
    return event


def load_event(
    action: LoadAction,
    *,
    index: str,
    load: Mapping[str, Any],
    seconds: float | None = None,
    error: EsHybridError | None = None,
) -> Event:
    """What a load or a backfill did so far.

    Args:
        load: Fields of `es_hybrid.load`.
        seconds: Of the load so far, or of the outage.
        error: What ended it.
    """
    return _event("load", action, index, load, error=error, seconds=seconds)


def catalogue_event(*, index: str, catalogue: Mapping[str, Any]) -> Event:
    """The state of a catalogue.

    Args:
        catalogue: Fields of `es_hybrid.catalogue`.
    """
    return _event("catalogue", "snapshot", index, catalogue)


def align_event(
    *,
    index: str | None,
    align: Mapping[str, int],
    seconds: float,
    error: EsHybridError | None = None,
) -> Event:
    """A run of an alignment.

    Args:
        index: One of the two sides; None if both are files.
        align: Fields of `es_hybrid.align`.
        error: What ended it.
    """
    return _event("align", "align-run", index, align, error=error, seconds=seconds)


def _event(
    dataset: str,
    action: str,
    index: str | None,
    section: Mapping[str, Any],
    *,
    error: EsHybridError | None = None,
    seconds: float | None = None,
) -> Event:
    failed: Event = {}
    if error is not None:
        failed = {"error": {"type": type(error).__name__, "message": error.message}}
    return {
        "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **_origin(),
        "event": {
            "kind": "metric" if action in _METRICS else "event",
            "category": "database",
            "type": _TYPES.get(action, "change"),
            "dataset": f"es_hybrid.{dataset}",
            "action": action,
            "outcome": "failure" if failed else "success",
            **({} if seconds is None else {"duration": int(seconds * 1e9)}),
        },
        **failed,
        "es_hybrid": _without_nothing({"index": index, dataset: _without_nothing(section)}),
    }


@cache
def _origin() -> Event:
    return {
        "ecs": {"version": ECS_VERSION},
        "service": {"name": "es-hybrid", "version": version("es-hybrid")},
        "host": {"name": socket.gethostname()},
    }


def _without_nothing(section: Mapping[str, Any]) -> Event:
    """The fields that have a value, also if it is 0 or False."""
    return {name: value for name, value in section.items() if value not in (None, [], {}, "")}


def _found(request: SearchRequest | None, found: Retrieved) -> Event:
    total, zero_results = counted(request, found) if request else _counted_in_body(found)
    hits = [] if found.not_found else [found.stages_of(hit) for hit in found.hits]
    degraded = (*found.degraded, *incomplete(found.answer))
    return {
        "total": total,
        "hits": len(hits),
        "zero_results": zero_results,
        "corrected": bool(found.meaning and found.meaning.correction),
        "degraded": sorted({line.partition(":")[0] for line in degraded}),
        "reranked": found.reranked,
        "rerank_lift": rerank_lift(hits),
        "rules": [rule.id for rule in found.rules],
        "legs": _legs(hits),
    }


def _counted_in_body(found: Retrieved) -> tuple[int | None, str | None]:
    """As `counted`: the total, if it was counted, and `other` where no reason is known."""
    return found.total, found.not_found or ("other" if found.total == 0 else None)


def rerank_lift(hits: Sequence[Mapping[str, StageRank]]) -> float | None:
    """Mean number of places by which the reranker moved the hits of a page up.

    The rank before it minus the rank that it gave, of every hit that it scored. Negative if it
    moved them down; None if it scored none of them.

    Args:
        hits: Stage -> rank, of each hit of the page.
    """
    lifts = [
        stages[before].rank - stages["rerank"].rank
        for stages in hits
        if "rerank" in stages
        and (before := next((stage for stage in _BEFORE_RERANK if stage in stages), None))
    ]
    return round(fmean(lifts), 3) if lifts else None


def _legs(hits: Sequence[Mapping[str, StageRank]]) -> dict[str, int]:
    """How many hits of a page only one leg found, and how many both did."""
    legs = {"bm25": 0, "knn": 0, "both": 0}
    for stages in hits:
        by = [leg for leg in ("bm25", "knn") if leg in stages]
        if by:
            legs[by[0] if len(by) == 1 else "both"] += 1
    return legs if any(legs.values()) else {}
