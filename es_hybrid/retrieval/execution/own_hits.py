"""One round trip: the leaves bring along all that the page shows.

What a page shows of a hit is then what the leaf matched, and total and aggregations of the union
follow from the two leaves' own (see `aggregations`). That covers the common search: one lexical
and one vector leaf, `terms` facets, highlights. Anything else takes `point_in_time`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from es_hybrid.retrieval.execution.aggregations import addable, added, widened
from es_hybrid.retrieval.execution.dsl import MATCH_ALL, as_query, leaf_body, matches
from es_hybrid.retrieval.execution.explain import explanation
from es_hybrid.retrieval.execution.fuse import Ranking, shown
from es_hybrid.retrieval.execution.leaves import Found, Leaf, hits_of
from es_hybrid.retrieval.execution.rank import Report
from es_hybrid.retrieval.execution.tree import rerank_fields
from es_hybrid.retrieval.plan import Key, Knn, Node, Pinned, Plan, Rescorer, Standard

# What the vector leaf counts: those of its hits that the lexical leaf's query does not match.
BEYOND = "beyond_lexical"
# And where it is a query: all of its hits, before the ticks.
_NEAREST = "nearest"
# Beside facets, which have the names of fields.
_SELECTED = "es_hybrid_selected"

# By place in the shard, as Elasticsearch settles equal scores. On one shard that is its very order.
_BY_SCORE = {"sort": ["_score", "_doc"], "track_scores": True}


def suffices(plan: Plan, here: Sequence[Node], leaves: Sequence[Leaf]) -> bool:
    """Whether the leaves' own hits hold everything that the plan shows.

    Args:
        here: The retrievers above the leaves.
    """
    if plan.of_candidates or plan.collapse is not None or plan.post_filter is not None:
        return False
    if any(isinstance(node, Pinned | Rescorer) or node.min_score is not None for node in here):
        return False
    if len(leaves) == 1 or not (plan.aggs or plan.counts):
        return True
    return _is_pair(leaves) and leaves[0].search.min_score is None and addable(plan.aggs or {})


def bodies(
    plan: Plan, leaves: Sequence[Leaf], extra: Mapping[str, Any], *, one_shard: bool = False
) -> list[dict[str, Any]]:
    """A search body for each leaf.

    Args:
        extra: What the reranker reads of each hit.
        one_shard: The vector leaf is asked as a query; see the module of that name. Only of two
            leaves that `may_be_quick`.
    """
    lexical = leaves[0].search if _is_pair(leaves) else None
    asked = [_body(plan, leaf, extra, one_shard) for leaf in leaves]
    if plan.suggest:
        asked[0]["suggest"] = plan.suggest
    if isinstance(lexical, Standard):
        _count_union(plan, asked, lexical)
    elif plan.aggs:
        asked[0]["aggs"] = plan.aggs
    if one_shard:
        asked[1].setdefault("aggs", {})[_NEAREST] = {"filter": MATCH_ALL}
    return asked


def may_be_quick(leaves: Sequence[Leaf]) -> bool:
    """Whether there is a vector leaf that may be asked as a query, and counted."""
    # A field with a dot may be nested, which a section sees by itself and a query must be told.
    return _is_pair(leaves) and "." not in cast("Knn", leaves[1].search).field


def only_nearest(leaves: Sequence[Leaf], answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the vector leaf, asked as a query, kept to its k."""
    found: int = answers[1]["aggregations"][_NEAREST]["doc_count"]
    return found <= cast("Knn", leaves[1].search).k


def aggregations_of(plan: Plan, found: Sequence[Found]) -> Mapping[str, Any] | None:
    """The union's; None where a facet has too many values to be added up."""
    if not plan.aggs:
        return {}
    first: Mapping[str, Any] = found[0].answer["aggregations"]
    if len(found) == 1:
        return first
    return added(plan.aggs, first, found[1].answer["aggregations"][BEYOND])


def answer(
    plan: Plan,
    root: Node,
    found: Sequence[Found],
    ranking: Ranking,
    report: Report,
    *,
    took: int,
    aggregations: Mapping[str, Any],
) -> dict[str, Any]:
    """Elasticsearch's answer.

    Args:
        took: Milliseconds of the leaves.
        aggregations: See `aggregations_of`.
    """
    page = ranking[plan.from_ : plan.from_ + plan.size]
    hits: dict[str, Any] = {
        "max_score": shown(ranking[0].score) if page else None,
        "hits": _hits(plan, root, found, page, report),
    }
    if (total := _total(plan, found)) is not None:
        hits = {"total": total, **hits}
    answers = [each.answer for each in found]
    whole: dict[str, Any] = {
        "took": took,
        "timed_out": any(each["timed_out"] for each in answers),
        "_shards": shards_of(answers),
        "hits": hits,
    }
    if "pit" in plan.settings:
        whole = {"pit_id": answers[0]["pit_id"], **whole}
    if plan.aggs:
        whole["aggregations"] = aggregations
    if plan.suggest:
        whole["suggest"] = answers[0]["suggest"]
    if plan.profile:
        whole["profile"] = profile_of(found)
    return whole


def shards_of(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The `_shards` of several searches of the same indices: the worst of each."""
    parts = [each["_shards"] for each in answers]
    failures = [failure for part in parts for failure in part.get("failures", ())]
    worst = {
        "total": max(part["total"] for part in parts),
        "successful": min(part["successful"] for part in parts),
        "skipped": min(part["skipped"] for part in parts),
        "failed": max(part["failed"] for part in parts),
    }
    return {**worst, "failures": failures} if failures else worst


def profile_of(found: Sequence[Found]) -> dict[str, Any]:
    """The `profile` of every leaf, each entry saying whose it is."""
    return {
        "shards": [
            {"retriever": each.leaf.owner.stage, **shard}
            for each in found
            for shard in each.answer["profile"]["shards"]
        ]
    }


def _is_pair(leaves: Sequence[Leaf]) -> bool:
    """One lexical and one vector leaf, whose union can be counted."""
    if len(leaves) != 2:
        return False
    lexical, vector = (leaf.search for leaf in leaves)
    return (
        isinstance(lexical, Standard)
        and not (lexical.sort or lexical.collapse)
        and isinstance(vector, Knn)
        and vector.k <= leaves[1].size
    )


def _body(plan: Plan, leaf: Leaf, extra: Mapping[str, Any], one_shard: bool) -> dict[str, Any]:
    search = leaf.search
    body = {
        **plan.settings,
        **plan.fetch,
        **extra,
        **(as_query(search) if one_shard and isinstance(search, Knn) else leaf_body(search)),
        # Facets alone need no hits.
        "size": leaf.size if plan.size else 0,
        "track_total_hits": plan.track_total_hits,
    }
    if leaf.orders:
        body |= {**_BY_SCORE, "sort": [*body.get("sort", ["_score"]), "_doc"]}
    if plan.selected is not None:
        body["post_filter"] = plan.selected
    for flag in ("explain", "profile"):
        if getattr(plan, flag):
            body[flag] = True
    return body


def _count_union(plan: Plan, asked: Sequence[dict[str, Any]], lexical: Standard) -> None:
    """Have the leaves count what makes the union's total and aggregations."""
    first, second = asked
    query = matches(lexical)
    if isinstance(second.get("highlight"), Mapping):
        # A hit that only the vector leaf brought may still hold the query's words.
        second["highlight"] = {"highlight_query": query, **second["highlight"]}
    wide = widened(plan.aggs or {})
    if wide:
        first["aggs"] = wide
    inner = wide if plan.selected is None else {**wide, _SELECTED: {"filter": plan.selected}}
    beyond: dict[str, Any] = {"filter": {"bool": {"must_not": query}}}
    if inner:
        beyond["aggs"] = inner
    if wide or plan.counts:
        second["aggs"] = {BEYOND: beyond}


def _total(plan: Plan, found: Sequence[Found]) -> dict[str, Any] | None:
    total: dict[str, Any] | None = found[0].answer["hits"].get("total")
    if total is None or len(found) == 1 or total["relation"] == "gte":
        return total
    beyond = found[1].answer["aggregations"][BEYOND]
    value = total["value"] + (beyond if plan.selected is None else beyond[_SELECTED])["doc_count"]
    limit = plan.track_total_hits
    if limit is not True and value > limit:
        return {"value": int(limit), "relation": "gte"}
    return {"value": value, "relation": "eq"}


def _hits(
    plan: Plan, root: Node, found: Sequence[Found], page: Ranking, report: Report
) -> list[dict[str, Any]]:
    keys = {hit.key for hit in page}
    by_key = hits_of(found, keys)
    clauses = _matched_queries(found, keys)
    unasked = {name for name in rerank_fields(root) if not _asks_for(plan.fetch, name)}
    hits = []
    for ranked in page:
        hit = {name: value for name, value in by_key[ranked.key].items() if name != "sort"}
        hit["_score"] = shown(ranked.score)
        _drop_unasked(hit, unasked)
        names = [*report.names(ranked.key), *clauses.get(ranked.key, ())]
        if names:
            hit["matched_queries"] = names
        if plan.explain:
            hit["_explanation"] = explanation(root, ranked, report, found)
        hits.append(hit)
    return hits


def _drop_unasked(hit: dict[str, Any], unasked: Container[str]) -> None:
    """Take away what only the reranker wanted to read."""
    if "fields" in hit:
        kept = {name: values for name, values in hit["fields"].items() if name not in unasked}
        if kept:
            hit["fields"] = kept
        else:
            del hit["fields"]


def _asks_for(fetch: Mapping[str, Any], name: str) -> bool:
    """Whether the page itself wants a field, by its name or a pattern."""
    wanted = [*fetch.get("script_fields", {})]
    for option in ("fields", "docvalue_fields", "stored_fields"):
        given = fetch.get(option) or []
        listed = [given] if isinstance(given, str) else given
        wanted += [each if isinstance(each, str) else each["field"] for each in listed]
    return any(fnmatchcase(name, pattern) for pattern in wanted)


def _matched_queries(found: Sequence[Found], keys: Container[Key]) -> dict[Key, dict[str, None]]:
    """The names that any leaf tells of these hits, each once and in their order."""
    clauses: dict[Key, dict[str, None]] = {}
    for each in found:
        for key, hit in each.pairs(keys):
            if names := hit.get("matched_queries"):
                clauses.setdefault(key, {}).update(dict.fromkeys(names))
    return clauses
