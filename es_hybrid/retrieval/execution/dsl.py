"""Plans and retrievers in Elasticsearch's JSON, for what the cluster runs whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.retrieval.nodes import (
    Child,
    Diversify,
    Foreign,
    Groups,
    Knn,
    Linear,
    Node,
    Pinned,
    RandomRerank,
    Rerank,
    Rescorer,
    Rrf,
    RuleRetriever,
    Signals,
    Spread,
    Standard,
)
from es_hybrid.retrieval.plan import Plan


def to_retriever(node: Node) -> dict[str, Any]:
    """A node as a `retriever` object."""
    kind = node.written_kind if isinstance(node, Foreign) else node.kind
    return {kind: {**_common(node), **_own(node)}}


def query_vector(node: Knn | Diversify) -> dict[str, Any]:
    """The parameter with the vector to compare with, if there is one."""
    if node.builder is not None:
        return {"query_vector_builder": node.builder}
    return {} if node.vector is None else {"query_vector": node.vector}


def native_body(plan: Plan, root: Node) -> dict[str, Any]:
    """The search body of a plan that the cluster runs whole."""
    body: dict[str, Any] = {
        **plan.settings,
        **plan.fetch,
        "retriever": to_retriever(root),
        "from": plan.from_,
        "size": plan.size,
        "track_total_hits": plan.track_total_hits,
    }
    for name in ("aggs", "post_filter", "collapse", "suggest", "min_score"):
        if (value := getattr(plan, name)) is not None:
            body[name] = value
    for flag in ("explain", "profile"):
        if getattr(plan, flag):
            body[flag] = True
    return body


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
            options = _given(node, "field", "k", "num_candidates", "similarity")
            return {**options, **query_vector(node), **node.more}
        case Foreign():
            return dict(node.content)
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
                **({"allow_rerank_failures": True} if node.allow_failures else {}),
                **_given(node, "field", "inference_id", "chunk_rescorer"),
            }
        case Signals():
            raise AssertionError("signals run in es-hybrid only")
        case RuleRetriever():
            return {
                "retriever": to_retriever(node.child),
                "ruleset_ids": list(node.rulesets),
                "match_criteria": node.facts,
                "rank_window_size": node.rank_window_size,
            }
        case Pinned():
            return {
                "retriever": to_retriever(node.child),
                "rank_window_size": node.rank_window_size,
                **_pins(node),
            }
        case Rescorer():
            return {"retriever": to_retriever(node.child), "rescore": list(node.rescore)}
        case Diversify():
            return {
                "retriever": to_retriever(node.child),
                "type": "mmr",
                **_given(node, "field", "rank_window_size", "size"),
                "lambda": node.lambda_,
                **query_vector(node),
            }
        case RandomRerank():
            return {
                "retriever": to_retriever(node.child),
                **_given(node, "field", "rank_window_size", "seed"),
            }
        case Spread() | Groups():
            raise AssertionError("Elasticsearch has no such retriever")


def _weighted(child: Child) -> dict[str, Any]:
    """A weight of 1 is omitted: clusters before 9.2 do not know weights."""
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
