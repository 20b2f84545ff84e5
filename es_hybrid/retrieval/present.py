"""What was retrieved, in a shop's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.retrieval.facets import GROUPS, facet_counts, group_count
from es_hybrid.retrieval.request import MAX_QUERY_CHARS, MAX_WINDOW, SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse, StageRank
from es_hybrid.retrieval.retrieved import Retrieved

# Whose score a hit has: that of the last stage that ranked it.
_DECIDING = ("rerank", "rrf", "bm25", "knn")


def present(
    request: SearchRequest, retrieved: Retrieved, timings: Mapping[str, float]
) -> SearchResponse:
    """One page as the shop gets it."""
    aggregations = retrieved.answer.get("aggregations", {})
    total = retrieved.total or 0
    groups = group_count(aggregations[GROUPS]) if request.collapse else None
    cut = f"query: only its first {MAX_QUERY_CHARS} characters were used"
    return SearchResponse(
        hits=[
            _hit(request, hit, retrieved.stages_of(hit), request.first + place)
            for place, hit in enumerate(retrieved.hits, 1)
        ],
        total=total,
        groups=groups,
        pages=-(-min(total if groups is None else groups, MAX_WINDOW) // request.size),
        facets=facet_counts(request.facets, aggregations),
        timings=timings,
        degraded=((cut,) if request.is_cut else ()) + retrieved.degraded,
        notes=retrieved.notes,
        reranked=retrieved.reranked,
    )


def _hit(
    request: SearchRequest, hit: Mapping[str, Any], stages: Mapping[str, StageRank], rank: int
) -> Hit:
    told = {
        stage: place
        for stage, place in stages.items()
        if stage != "pinned" or hit["_id"] in request.pinned
    }
    deciding = next((stages[stage] for stage in _DECIDING if stage in stages), None)
    group = hit.get("fields", {}).get(request.collapse, [None])
    return Hit(
        id=hit["_id"],
        rank=rank,
        score=hit["_score"] if deciding is None else deciding.score,
        source=hit["_source"],
        stages=told,
        highlight=hit.get("highlight", {}),
        explanation=hit.get("_explanation"),
        group=group[0],
    )
