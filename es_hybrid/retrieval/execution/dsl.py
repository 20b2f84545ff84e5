"""Nodes as Elasticsearch writes them: retrievers, and the search bodies of leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.plan import (
    Child,
    Clause,
    Knn,
    Linear,
    Node,
    Pinned,
    Rerank,
    Rescorer,
    Rrf,
    Standard,
)

MATCH_ALL: dict[str, Any] = {"match_all": {}}


def to_retriever(node: Node) -> dict[str, Any]:
    """The node in the retriever language."""
    return {node.kind: {**_common(node), **_own(node)}}


def leaf_body(node: Node) -> dict[str, Any]:
    """The search body that finds what a leaf finds.

    Standard and knn leaves as `query` and `knn`, rescored or not, which any cluster takes; what
    else the cluster runs by itself as a `retriever`.
    """
    match node:
        case Standard():
            body: dict[str, Any] = {"query": named(matches(node), node.name)}
            for name in ("sort", "collapse", "min_score"):
                if (value := getattr(node, name)) is not None:
                    body[name] = value
            return body
        case Knn():
            return {"knn": knn_section(node)}
        case Rescorer(child=Standard() | Knn() as child):
            inside = replace(child, filters=(*node.filters, *child.filters))
            return {**leaf_body(inside), "rescore": list(node.rescore)}
        case _:
            return {"retriever": to_retriever(node)}


def matches(node: Standard) -> dict[str, Any]:
    """The query of a standard retriever, with its filters."""
    query = dict(node.query) if node.query is not None else MATCH_ALL
    if not node.filters:
        return query
    if node.query is None:
        return {"bool": {"filter": list(node.filters)}}
    return {"bool": {"must": query, "filter": list(node.filters)}}


def knn_section(node: Knn) -> dict[str, Any]:
    """The `knn` part of a search body."""
    section = _knn(node)
    if node.filters:
        section["filter"] = list(node.filters)
    if node.name is not None:
        section["_name"] = node.name
    return section


def as_query(node: Knn) -> dict[str, Any]:
    """The search body that finds the same on one shard; see `one_shard`."""
    return {"query": {"knn": knn_section(node)}}


def named(query: Clause, name: str | None) -> dict[str, Any]:
    """The query under a name that `matched_queries` tells, without touching what it says."""
    return {"bool": {"must": dict(query), "_name": name}} if name is not None else dict(query)


def any_of(queries: Sequence[Clause]) -> dict[str, Any]:
    """Documents that match one of the queries."""
    if len(queries) == 1:
        return dict(queries[0])
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _common(node: Node) -> dict[str, Any]:
    common: dict[str, Any] = {}
    if node.filters:
        common["filter"] = list(node.filters)
    if node.min_score is not None:
        common["min_score"] = node.min_score
    if node.name is not None:
        common["_name"] = node.name
    return common


def _own(node: Node) -> dict[str, Any]:
    match node:
        case Standard():
            return _given(node, "query", "sort", "search_after", "terminate_after", "collapse")
        case Knn():
            return _knn(node)
        case Rrf():
            return {
                **(node.short or {"retrievers": [_weighted(child) for child in node.children]}),
                "rank_constant": node.rank_constant,
                "rank_window_size": node.rank_window_size,
            }
        case Linear():
            return {
                **(node.short or {"retrievers": [_normalized(child) for child in node.children]}),
                "rank_window_size": node.rank_window_size,
            }
        case Rerank():
            return {
                "retriever": to_retriever(node.child),
                "inference_text": node.text,
                "rank_window_size": node.rank_window_size,
                "allow_rerank_failures": node.allow_failures,
                **_given(node, "field", "inference_id"),
            }
        case Pinned():
            return {
                "retriever": to_retriever(node.child),
                "rank_window_size": node.rank_window_size,
                **_pins(node),
            }
        case Rescorer():
            return {"retriever": to_retriever(node.child), "rescore": list(node.rescore)}


def _knn(node: Knn) -> dict[str, Any]:
    section = {
        "field": node.field,
        "query_vector": node.vector,
        "k": node.k,
        "num_candidates": node.num_candidates,
        **node.more,
    }
    if node.similarity is not None:
        section["similarity"] = node.similarity
    return section


def _weighted(child: Child) -> dict[str, Any]:
    """Weights are named only where they count: clusters before 9.2 know none."""
    retriever = to_retriever(child.node)
    return retriever if child.weight == 1 else {"retriever": retriever, "weight": child.weight}


def _normalized(child: Child) -> dict[str, Any]:
    return {
        "retriever": to_retriever(child.node),
        "weight": child.weight,
        "normalizer": child.normalizer,
    }


def _pins(node: Pinned) -> Mapping[str, Any]:
    if any(index is not None for index, _ in node.documents):
        return {"docs": [{"_index": index, "_id": id_} for index, id_ in node.documents]}
    return {"ids": [id_ for _, id_ in node.documents]}


def _given(node: Node, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(node, name)) is not None}
