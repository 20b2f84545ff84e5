"""The page's own request, on the point in time of the leaves.

Elasticsearch turns a finished ranking into a query that gives each document its rank, matches
every document of the children too, and runs the rest of the body on that. So does this: what a
ranked document scores is its rank from the end, and everything else the tree matches scores 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.execution.dsl import any_of, matches, named
from es_hybrid.retrieval.execution.fuse import Ranking
from es_hybrid.retrieval.execution.leaves import Found
from es_hybrid.retrieval.execution.tree import children
from es_hybrid.retrieval.plan import Key, Knn, Node, Pinned, Plan, Rescorer, Standard

Query = dict[str, Any]


def page_body(
    plan: Plan, root: Node, owners: Mapping[int, Found], ranking: Ranking, shown: Ranking
) -> Query:
    """Total, aggregations and the page's hits in one body.

    Args:
        owners: What each leaf brought, by its retriever's identity.
        ranking: The whole window.
        shown: See `ranked_for`.
    """
    body: Query = {
        **{name: value for name, value in plan.settings.items() if name != "indices_boost"},
        **plan.fetch,
        "query": _page_query(plan, root, owners, ranking, shown),
        "from": plan.from_ if shown is ranking else 0,
        "size": max(0, min(plan.size, len(ranking) - plan.from_)),
        "track_total_hits": plan.track_total_hits,
    }
    if plan.profile:
        body["profile"] = True
    for name in ("aggs", "sort", "collapse", "suggest"):
        if (value := getattr(plan, name)) is not None:
            body[name] = value
    if (post_filter := _both(plan.post_filter, plan.selected)) is not None:
        body["post_filter"] = post_filter
    return body


def ranked_for(plan: Plan, ranking: Ranking) -> Ranking:
    """The hits whose rank the page's request must know: the page's own, or the whole window."""
    if plan.sort or plan.collapse or plan.post_filter or plan.selected:
        return ranking
    return ranking[plan.from_ : plan.from_ + plan.size]


def rank_query(ranking: Ranking, scores: Iterable[float]) -> Query:
    """Documents of a ranking, each with a score of its own."""
    several = len({hit.key.index_name for hit in ranking}) > 1
    clauses = [
        {"constant_score": {"filter": _one(hit.key, several), "boost": score}}
        for hit, score in zip(ranking, scores, strict=True)
    ]
    return any_of(clauses) if clauses else {"match_none": {}}


def documents_query(keys: Iterable[Key]) -> Query:
    """These documents, unscored."""
    by_index: dict[str, list[str]] = {}
    for key in keys:
        by_index.setdefault(key.index_name, []).append(key.id)
    if not by_index:
        return {"match_none": {}}
    several = len(by_index) > 1
    return any_of([_ids(index if several else None, ids) for index, ids in by_index.items()])


def union_query(root: Node, found: Mapping[int, Found]) -> Query:
    """Every document that the tree matches: of standard leaves all, of others what they brought.

    With `min_score` a retriever's matches are only those that it ranked, as in Elasticsearch.
    """
    each = found.get(id(root))
    if each is not None and each.leaf.search is root:
        return _leaf_union(root, each)
    queries = [union_query(child, found) for child in children(root)]
    if isinstance(root, Pinned) and each is not None:
        queries.insert(0, documents_query(hit.key for hit in each.ranking))
    return named(any_of(queries), root.name)


def bounded(root: Node, found: Mapping[int, Found]) -> bool:
    """Whether a `min_score` leaves of the tree's matches only those that it ranked."""
    each = found.get(id(root))
    if root.min_score is not None and not isinstance(root, Knn):
        return each is None or isinstance(root, Standard)
    return any(bounded(child, found) for child in children(root))


def _page_query(
    plan: Plan, root: Node, owners: Mapping[int, Found], ranking: Ranking, shown: Ranking
) -> Query:
    ranks = rank_query(shown, (float(len(shown) - place) for place in range(len(shown))))
    union = union_query(root, owners)
    if plan.of_candidates or bounded(root, owners):
        ranked = documents_query(hit.key for hit in ranking)
        # The union decides nothing here; it stands for highlights and `matched_queries`.
        return {"bool": {"should": [ranks, _unscored(union)], "filter": [ranked]}}
    return {"bool": {"should": [ranks], "filter": [union]}}


def _unscored(query: Query) -> Query:
    return {"constant_score": {"filter": query, "boost": 0.0}}


def _leaf_union(node: Node, found: Found) -> Query:
    if isinstance(node, Standard):
        return named(matches(node), node.name)
    if isinstance(node, Rescorer) and isinstance(node.child, Standard):
        rescored = replace(node.child, filters=(*node.filters, *node.child.filters))
        return named(_leaf_union(rescored, found), node.name)
    return named(documents_query(hit.key for hit in found.ranking), node.name)


def _both(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> Query | None:
    given = [clause for clause in (first, second) if clause is not None]
    if len(given) > 1:
        return {"bool": {"filter": given}}
    return dict(given[0]) if given else None


def _one(key: Key, several: bool) -> Query:
    return _ids(key.index_name if several else None, [key.id])


def _ids(index: str | None, ids: Sequence[str]) -> Query:
    wanted: Query = {"ids": {"values": list(ids)}}
    if index is None:
        return wanted
    return {"bool": {"filter": [{"term": {"_index": index}}, wanted]}}
