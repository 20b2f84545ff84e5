"""A search whose leaves return everything that the page shows, but perhaps its documents.

Those may follow in a second round trip (see `documents`). What a page shows of a hit is then what
the leaf matched, and total and aggregations of the union follow from those of the two leaves (see
`aggregations`). That covers the common search: one lexical and one vector leaf, `terms` facets,
highlights. Anything else needs `point_in_time`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any

from es_hybrid.retrieval.execution.aggregations import addable, added, widened
from es_hybrid.retrieval.execution.explain import Explainer
from es_hybrid.retrieval.execution.fuse import Ranking, shown_scores
from es_hybrid.retrieval.execution.report import Report
from es_hybrid.retrieval.execution.requests import (
    MATCH_ALL,
    LeafResult,
    hits_of,
    knn_query_body,
    leaf_body,
    matches,
    ordered,
)
from es_hybrid.retrieval.execution.tree import Leaf
from es_hybrid.retrieval.nodes import (
    Groups,
    Knn,
    Node,
    Pinned,
    Rescorer,
    Standard,
)
from es_hybrid.retrieval.plan import Plan

# Counted by the vector leaf: its hits that the lexical leaf's query does not match.
BEYOND = "beyond_lexical"
# Counted by a vector leaf that is a query: all of its hits, before the selection.
_NEAREST = "nearest"
# Facets are named after fields, which cannot have this name.
_SELECTED = "es_hybrid_selected"

# Equal scores are ordered by place in the shard. On one shard that is Elasticsearch's own order.
_TIE_BREAK = "_doc"


def suffices(plan: Plan, above: Sequence[Node], leaves: Sequence[Leaf]) -> bool:
    """Whether the leaves' hits contain everything that the plan shows.

    Args:
        plan: Not one whose page describes only its candidates.
        above: The retrievers above the leaves.
    """
    if any(each is not None for each in (plan.collapse, plan.post_filter, plan.min_score)):
        return False
    if plan.ties and not all(isinstance(leaf.search, Standard | Knn) for leaf in leaves):
        return False
    if any(isinstance(node, Rescorer | Groups) or node.min_score is not None for node in above):
        return False
    if any(isinstance(node, Pinned) and node.documents for node in above):
        return False
    if not (plan.aggs or _counts(plan)):
        return True
    if any(leaf.search.min_score is not None for leaf in leaves):
        return False
    if len(leaves) == 1:
        return not (above and _exceeds(leaves[0]))
    return _is_pair(leaves) and addable(plan.aggs or {})


def bodies(
    plan: Plan, leaves: Sequence[Leaf], extra: Mapping[str, Any], *, as_query: bool = False
) -> list[dict[str, Any]]:
    """A search body for each leaf.

    Args:
        extra: What the leaves must return for retrievers above them.
        as_query: Send the vector leaf as a query; see `abilities`. Only for two leaves for which
            `may_be_query` holds.
    """
    lexical = leaves[0].search if _is_pair(leaves) else None
    asked = [_body(plan, leaf, extra, as_query) for leaf in leaves]
    if plan.suggest:
        asked[0]["suggest"] = plan.suggest
    if isinstance(lexical, Standard):
        _count_union(plan, asked, lexical)
    elif plan.aggs:
        asked[0]["aggs"] = plan.aggs
    if as_query:
        asked[1].setdefault("aggs", {})[_NEAREST] = {"filter": MATCH_ALL}
    return asked


def may_be_query(leaves: Sequence[Leaf]) -> bool:
    """Whether the vector leaf of a pair may be sent as a query."""
    if not _is_pair(leaves):
        return False
    # A field with a dot may be nested. A section detects that, a query does not.
    return isinstance(vector := leaves[1].search, Knn) and "." not in vector.field


def only_nearest(results: Sequence[LeafResult]) -> bool:
    """Whether the vector leaf, sent as a query, matched no more than its k."""
    counted = results[1].answer.get("aggregations")
    if counted is None:  # there is no shard any more
        return True
    found: int = counted[_NEAREST]["doc_count"]
    return isinstance(vector := results[1].leaf.search, Knn) and found <= vector.k


def no_shards(results: Sequence[LeafResult]) -> bool:
    """Whether there was no index to search: then Elasticsearch aggregates nothing, either."""
    return all(each.answer["_shards"]["total"] == 0 for each in results)


def aggregations_of(plan: Plan, found: Sequence[LeafResult]) -> Mapping[str, Any] | None:
    """The aggregations of the union; None if a facet has too many values to be added up."""
    if not plan.aggs:
        return {}
    first: Mapping[str, Any] = found[0].answer["aggregations"]
    if len(found) == 1:
        return first
    return added(plan.aggs, first, found[1].answer["aggregations"][BEYOND])


def answer(
    plan: Plan,
    root: Node,
    found: Sequence[LeafResult],
    ranking: Ranking,
    report: Report,
    *,
    took: int,
    aggregations: Mapping[str, Any],
    unasked: Container[str],
) -> dict[str, Any]:
    """The answer in Elasticsearch's form.

    Args:
        unasked: Fields and names of clauses that only retrievers above the leaves needed.
        took: Milliseconds the leaves took.
        aggregations: See `aggregations_of`.
    """
    page = ranking[plan.from_ : plan.from_ + plan.size]
    best, *scores = shown_scores([*ranking[:1], *page]) if page else [None]
    hits: dict[str, Any] = {
        "max_score": None if plan.ties else best,
        "hits": _hits(plan, root, found, page, scores, report, unasked),
    }
    if (total := _total(plan, found)) is not None:
        hits = {"total": total, **hits}
    answers = [each.answer for each in found]
    clusters = [each["_clusters"] for each in answers if "_clusters" in each]
    whole: dict[str, Any] = {
        "took": took,
        "timed_out": any(each["timed_out"] for each in answers),
        "_shards": shards_of(answers),
        "hits": hits,
    }
    if clusters:
        whole["_clusters"] = min(clusters, key=itemgetter("successful"))
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
    """The `_shards` of several searches of the same indices: the worst values."""
    parts = [each["_shards"] for each in answers]
    failures = [failure for part in parts for failure in part.get("failures", ())]
    worst = {
        "total": max(part["total"] for part in parts),
        "successful": min(part["successful"] for part in parts),
        "skipped": min(part["skipped"] for part in parts),
        "failed": max(part["failed"] for part in parts),
    }
    return {**worst, "failures": failures} if failures else worst


def profile_of(found: Sequence[LeafResult]) -> dict[str, Any]:
    """The `profile` of every leaf, each entry with the name of its retriever."""
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
        and not _exceeds(leaves[1])
    )


def _exceeds(leaf: Leaf) -> bool:
    """Whether a vector leaf matches more than the window above it, which is all that counts."""
    return isinstance(leaf.search, Knn) and leaf.search.k > leaf.size


def _body(plan: Plan, leaf: Leaf, extra: Mapping[str, Any], as_query: bool) -> dict[str, Any]:
    search = leaf.search
    found = knn_query_body(search) if as_query and isinstance(search, Knn) else leaf_body(search)
    body = {
        **plan.settings,
        **plan.fetch,
        **extra,
        **ordered(found, search, *plan.ties, _TIE_BREAK),
        # A page of facets alone needs no hits.
        "size": leaf.size if plan.size else 0,
        "track_total_hits": plan.track_total_hits,
    }
    if plan.selected is not None:
        body.setdefault("post_filter", plan.selected)
    for flag in ("explain", "profile"):
        if getattr(plan, flag):
            body[flag] = True
    return body


def _count_union(plan: Plan, asked: Sequence[dict[str, Any]], lexical: Standard) -> None:
    """Make the leaves count what the total and aggregations of the union consist of."""
    first, second = asked
    query = matches(lexical)
    if isinstance(second.get("highlight"), Mapping):
        # A hit that only the vector leaf found may still contain words of the query.
        second["highlight"] = {"highlight_query": query, **second["highlight"]}
    wide = widened(plan.aggs or {})
    if wide:
        first["aggs"] = wide
    inner = wide if plan.selected is None else {**wide, _SELECTED: {"filter": plan.selected}}
    beyond: dict[str, Any] = {"filter": {"bool": {"must_not": query}}}
    if inner:
        beyond["aggs"] = inner
    if wide or _counts(plan):
        second["aggs"] = {BEYOND: beyond}


def _counts(plan: Plan) -> bool:
    """Whether the total is reported. A limit of 0 still reports one."""
    return plan.track_total_hits is not False


def _total(plan: Plan, found: Sequence[LeafResult]) -> dict[str, Any] | None:
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
    plan: Plan,
    root: Node,
    found: Sequence[LeafResult],
    page: Ranking,
    scores: Sequence[float | None],
    report: Report,
    unasked: Container[str],
) -> list[dict[str, Any]]:
    by_key = hits_of(found, {hit.key for hit in page})
    names = report.names(by_key)
    explainer = Explainer(root, report, found) if plan.explain else None
    hits = []
    for ranked, score in zip(page, scores, strict=True):
        found_hit, clauses = by_key[ranked.key]
        hit = {name: value for name, value in found_hit.items() if name != "sort"}
        hit["_score"] = score
        if plan.ties:
            hit["sort"] = [score, *found_hit["sort"][1:-1]]
        _drop_unasked(hit, unasked)
        clauses = [name for name in clauses if name not in unasked]
        if matched := [*names.get(ranked.key, ()), *clauses]:
            hit["matched_queries"] = matched
        else:
            hit.pop("matched_queries", None)
        if explainer is not None:
            hit["_explanation"] = explainer.explanation(ranked)
        hits.append(hit)
    return hits


def _drop_unasked(hit: dict[str, Any], unasked: Container[str]) -> None:
    """Remove fields that only retrievers above the leaves needed."""
    if "fields" in hit:
        kept = {name: values for name, values in hit["fields"].items() if name not in unasked}
        if kept:
            hit["fields"] = kept
        else:
            del hit["fields"]


def requests_field(fetch: Mapping[str, Any], name: str) -> bool:
    """Whether the page itself requests a field, by name or pattern."""
    wanted = [*fetch.get("script_fields", {})]
    for option in ("fields", "docvalue_fields", "stored_fields"):
        given = fetch.get(option) or []
        listed = [given] if isinstance(given, str) else given
        wanted += [each if isinstance(each, str) else each["field"] for each in listed]
    return any(fnmatchcase(name, pattern) for pattern in wanted)
