"""The request for the page, on the point in time of the leaves.

Elasticsearch turns a finished ranking into a query that gives each document its rank, matches
every document of the children too, and runs the rest of the body on that. This module does the
same: a ranked document scores its rank counted from the end, everything else that matches scores 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.execution.fuse import Ranking
from es_hybrid.retrieval.execution.requests import LeafResult, matches, named
from es_hybrid.retrieval.execution.tree import any_of, children, groups_of, walk
from es_hybrid.retrieval.nodes import (
    Clause,
    Node,
    Pinned,
    Rescorer,
    Standard,
)
from es_hybrid.retrieval.plan import Key, Plan


def page_body(
    plan: Plan, root: Node, owners: Mapping[int, LeafResult], ranking: Ranking, shown: Ranking
) -> dict[str, Any]:
    """Total, aggregations and the page's hits in one body.

    Args:
        owners: The result of each leaf, by `id()` of its retriever.
        ranking: The whole window.
        shown: The hits whose rank the request needs, best first; see `ranked_for`.
    """
    body: dict[str, Any] = {
        **{name: value for name, value in plan.settings.items() if name != "indices_boost"},
        **plan.fetch,
        "query": _page_query(plan, root, owners, ranking, shown),
        "from": plan.from_ if shown is ranking else 0,
        "size": max(0, min(plan.size, len(ranking) - plan.from_)),
        "track_total_hits": plan.track_total_hits,
    }
    for flag in ("explain", "profile"):
        if getattr(plan, flag):
            body[flag] = True
    for name in ("aggs", "sort", "collapse", "suggest"):
        if (value := getattr(plan, name)) is not None:
            body[name] = value
    if plan.ties:
        body["sort"] = ["_score", *plan.ties]
    if (post_filter := _both(plan.post_filter, plan.selected)) is not None:
        body["post_filter"] = post_filter
    return body


def ranked_for(plan: Plan, ranking: Ranking) -> Ranking:
    """The hits whose rank the request needs: the page's own, or the whole window."""
    if any(
        each is not None for each in (plan.sort, plan.collapse, plan.post_filter, plan.selected)
    ):
        return ranking
    return ranking[plan.from_ : plan.from_ + plan.size]


def group_names(collapse: Mapping[str, Any] | None) -> set[str]:
    """The names of the inner hits that show the rest of a collapsed group."""
    given = (collapse or {}).get("inner_hits") or ()
    listed = [given] if isinstance(given, Mapping) else given
    return {each["name"] for each in listed}


def rank_query(ranking: Ranking, scores: Iterable[float]) -> dict[str, Any]:
    """A query for the documents of a ranking, each with its own score."""
    clauses: dict[str, list[dict[str, Any]]] = {}
    for hit, score in zip(ranking, scores, strict=True):
        one = {"constant_score": {"filter": {"ids": {"values": [hit.key.id]}}, "boost": score}}
        clauses.setdefault(hit.key.index_name, []).append(one)
    return _of_indices({index: any_of(each) for index, each in clauses.items()})


def places_query(ranking: Ranking) -> dict[str, Any]:
    """A query that scores the documents by their ranks, counted from the end.

    A clause for each of thousands of documents would exceed the cluster's limit, so there is one
    for each value of each hexadecimal digit.
    """
    indices: dict[str, dict[int, list[str]]] = {}
    for rank, hit in enumerate(reversed(ranking), 1):
        digits = indices.setdefault(hit.key.index_name, {})
        for power in range(0, rank.bit_length(), 4):
            if value := rank & 0xF << power:
                digits.setdefault(value, []).append(hit.key.id)
    clauses = {
        index: [
            {"constant_score": {"filter": {"ids": {"values": ids}}, "boost": float(value)}}
            for value, ids in digits.items()
        ]
        for index, digits in indices.items()
    }
    return _of_indices({index: any_of(each) for index, each in clauses.items()})


def documents_query(keys: Iterable[Key]) -> dict[str, Any]:
    """A query for these documents, unscored."""
    ids: dict[str, list[str]] = {}
    for key in keys:
        ids.setdefault(key.index_name, []).append(key.id)
    return _of_indices({index: {"ids": {"values": each}} for index, each in ids.items()})


def union_query(root: Node, found: Mapping[int, LeafResult]) -> dict[str, Any]:
    """A query for all documents that the tree matches; of other leaves than standard, the hits.

    With `min_score`, a retriever matches only what it ranked, as in Elasticsearch.
    """
    each = found.get(id(root))
    if each is not None and each.leaf.search is root:
        return _leaf_union(root, each)
    queries = [union_query(child, found) for child in children(root)]
    if isinstance(root, Pinned) and each is not None:
        queries.insert(0, documents_query(hit.key for hit in each.ranking))
    return named(any_of(queries), root.name)


def bounded(plan: Plan, root: Node) -> bool:
    """Whether a `min_score` reduces the tree's matches to those that it ranked.

    Elasticsearch applies the root's to everything that matches, where what is not ranked scores 0,
    and any positive one if a retriever below has one.
    """
    if root.min_score is not None:
        return root.min_score > 0
    if any(node.min_score is not None for node in walk(root)):
        return True
    return plan.min_score is not None and plan.min_score > 0


def _page_query(
    plan: Plan, root: Node, owners: Mapping[int, LeafResult], ranking: Ranking, shown: Ranking
) -> dict[str, Any]:
    if groups_of(root) is not None:
        ranks = places_query(shown)
    else:
        ranks = rank_query(shown, (float(len(shown) - place) for place in range(len(shown))))
    union = union_query(root, owners)
    if plan.of_candidates or bounded(plan, root):
        ranked = documents_query(hit.key for hit in ranking)
        # The union selects nothing here; it provides highlights and `matched_queries`.
        return {"bool": {"should": [ranks, _unscored(union)], "filter": [ranked]}}
    return {"bool": {"should": [ranks], "filter": [union]}}


def _unscored(query: dict[str, Any]) -> dict[str, Any]:
    return {"constant_score": {"filter": query, "boost": 0.0}}


def _leaf_union(node: Node, found: LeafResult) -> dict[str, Any]:
    if isinstance(node, Standard):
        return named(matches(node), node.name)
    if isinstance(node, Rescorer) and isinstance(node.child, Standard):
        rescored = replace(node.child, filters=(*node.filters, *node.child.filters))
        return named(_leaf_union(rescored, found), node.name)
    return named(documents_query(hit.key for hit in found.ranking), node.name)


def _both(first: Clause | None, second: Clause | None) -> Clause | None:
    if first is not None and second is not None:
        return {"bool": {"filter": [first, second]}}
    return second if first is None else first


def _of_indices(queries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One query for each index: an id alone is ambiguous if an alias stands for several indices."""
    if not queries:
        return {"match_none": {}}
    return any_of(
        [
            {"bool": {"must": query, "filter": {"term": {"_index": index}}}}
            for index, query in queries.items()
        ]
    )
