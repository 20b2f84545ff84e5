"""A `_search` body with a `retriever`, parsed into a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.nodes import Compound, Node, RandomRerank
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.retriever_dsl.objects import number, truth, whole
from es_hybrid.retrieval.retriever_dsl.query_vectors import has_query_texts
from es_hybrid.retrieval.retriever_dsl.rank_section import has_rank
from es_hybrid.retrieval.retriever_dsl.refusals import PARSING, invalid, refused, token
from es_hybrid.retrieval.retriever_dsl.retrievers import PARSERS, parse_retriever
from es_hybrid.retrieval.retriever_dsl.validation import validate
from es_hybrid.retrieval.retriever_dsl.vector_builders import is_text

# Options for each hit of the page. Everything not listed here or in _READ is sent with every
# request of the search; Elasticsearch refuses what it does not know.
_FETCH = frozenset({
    "_source", "fields", "docvalue_fields", "stored_fields", "script_fields", "highlight",
    "version", "seq_no_primary_term", "track_scores",
})  # fmt: skip
_READ = frozenset({
    "retriever", "from", "size", "aggs", "aggregations", "post_filter", "collapse", "explain",
    "profile", "suggest", "track_total_hits", "ext",
})  # fmt: skip
# Refused next to a retriever, in Elasticsearch's order.
_INSTEAD = ("query", "knn", "search_after", "terminate_after", "sort", "rescore", "rank")

DEFAULT_SIZE = 10
TRACKED = 10_000
# The smallest float32.
_ABOVE_ZERO = 2.0**-149

_TEXT = "a text to embed"
# What not every cluster runs.
_OWN = {*PARSERS, _TEXT} - {"standard", "knn", "rescorer", "rule"}


def understood(body: Any) -> bool:
    """Whether a search body is es-hybrid's to answer; all others go to Elasticsearch.

    These are bodies with `ext.es_hybrid` or a `rank` by reciprocal rank fusion, those whose
    `retriever` contains one that is known here and not to every cluster, and those with a text to
    embed. What is inside an unknown retriever is the cluster's. Those with query rules besides are
    es-hybrid's too, if the cluster lacks these; see `has_rules`.
    """
    if not isinstance(body, Mapping):
        return False
    if is_extended(body) or has_rank(body) or has_query_texts(body):
        return True
    return bool(_kinds(body.get("retriever")) & _OWN)


def is_extended(body: Mapping[str, Any]) -> bool:
    """Whether a body has `ext.es_hybrid`."""
    return isinstance(body.get("ext"), Mapping) and "es_hybrid" in body["ext"]


def parse_body(body: Mapping[str, Any], *, index: str, params: Mapping[str, str]) -> Plan:
    """The plan of a body whose `retriever` finds the hits.

    Args:
        index: As in the path.
        params: Query-string parameters; `size`, `from` and the like are already in the body.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    retriever = body.get("retriever")
    if retriever is None:
        raise refused("the body has neither a [retriever] nor [ext.es_hybrid]")
    if not isinstance(retriever, Mapping):
        raise refused(f"Unknown key for a {token(retriever)} in [retriever].", type=PARSING)
    root = parse_retriever(retriever)
    plan = page_of(body, root, index=index, params=params)
    if conflicts := [name for name in _INSTEAD if name in body]:
        raise invalid([f"cannot specify [retriever] and [{', '.join(conflicts)}]"])
    asked = plan.size if "size" in body else None
    validate(root, size=asked, scroll="scroll" in params)
    if isinstance(root, Compound) and not isinstance(root, RandomRerank):
        size = root.rank_window_size if asked is None else asked
        settings = _without(plan.settings, "min_score")
        plan = replace(plan, size=size, settings=settings, min_score=_min_score(body, root))
    return plan


def _min_score(body: Mapping[str, Any], root: Compound) -> float | None:
    """The score that the page's hits need. As in Elasticsearch, the tree's own replaces the body's.

    The root applies its own. One further down leaves every hit above 0.
    """
    least = body.get("min_score")
    given = None if least is None else number(least)
    if root.min_score is not None:
        return None
    return _ABOVE_ZERO if any(node.min_score is not None for node in walk(root)) else given


def page_of(body: Mapping[str, Any], root: Node, *, index: str, params: Mapping[str, str]) -> Plan:
    """A plan with the page options of a body.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    given = {name: body[name] for name in _READ if name in body}
    return Plan(
        root=root,
        index=index,
        params=params,
        from_=_from(given),
        size=_size(given),
        aggs=given.get("aggs", given.get("aggregations")),
        post_filter=given.get("post_filter"),
        collapse=given.get("collapse"),
        track_total_hits=_tracked(given.get("track_total_hits", TRACKED)),
        explain=truth(given.get("explain", False)),
        profile=truth(given.get("profile", False)),
        suggest=given.get("suggest"),
        fetch=_fetch(body),
        settings={
            name: value
            for name, value in body.items()
            if name not in _FETCH and name not in _READ and name not in _INSTEAD
        },
    )


def _fetch(body: Mapping[str, Any]) -> dict[str, Any]:
    fetch = {name: value for name, value in body.items() if name in _FETCH}
    if fetch.get("stored_fields") in ("_none_", ["_none_"]):
        # It would hide the ids, which identify the hits of the leaves.
        del fetch["stored_fields"]
        fetch["_source"] = False
    return fetch


def _size(body: Mapping[str, Any]) -> int:
    size = whole(body.get("size", DEFAULT_SIZE))
    if size < 0:
        raise refused(f"[size] parameter cannot be negative, found [{size}]")
    return size


def _from(body: Mapping[str, Any]) -> int:
    first = whole(body.get("from", 0))
    if first < 0:
        raise refused(f"[from] parameter cannot be negative but was [{first}]")
    return first


def _tracked(value: Any) -> bool | int:
    if isinstance(value, bool) or value in ("true", "false"):
        return truth(value)
    limit = whole(value)
    if limit < -1:
        raise refused(f"[track_total_hits] parameter must be positive or equals to -1, got {limit}")
    return limit if limit >= 0 else False


def _kinds(retriever: Any) -> set[str]:
    """The kinds of all retrievers in a tree as written, valid or not, but for unknown ones."""
    kinds: set[str] = set()
    waiting = [retriever]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Mapping) or not node:
            continue
        kind, content = next(iter(node.items()))
        kinds.add(str(kind))
        if not isinstance(content, Mapping) or kind not in PARSERS:
            continue
        if is_text(content.get("query_vector_builder")):
            kinds.add(_TEXT)
        below = content.get("retrievers")
        for child in [content.get("retriever"), *(below if isinstance(below, list) else [])]:
            wrapped = isinstance(child, Mapping) and "retriever" in child
            waiting.append(child["retriever"] if wrapped else child)
    return kinds


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
