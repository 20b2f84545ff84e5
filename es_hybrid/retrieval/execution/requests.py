"""The bodies and requests of a search, and the hits that come back."""

from __future__ import annotations

import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from es_hybrid.retrieval.execution.dsl import query_vector, to_retriever
from es_hybrid.retrieval.execution.failures import leaf_refusal, refusal
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking
from es_hybrid.retrieval.execution.tree import Leaf, walk
from es_hybrid.retrieval.needs import Call, Reply
from es_hybrid.retrieval.nodes import (
    Clause,
    Knn,
    Node,
    Rescorer,
    Standard,
)
from es_hybrid.retrieval.plan import Key, Plan

MATCH_ALL: dict[str, Any] = {"match_all": {}}

# Elasticsearch's order of equal scores: shard, then place in the shard. Only in a point in time.
SHARD_DOC = "_shard_doc"

# Long enough for the slowest reranking between the leaves and the page.
KEEP_ALIVE = "1m"

# Query-string parameters that choose shards; all others belong to single requests.
_ROUTING = ("routing", "preference", "ignore_unavailable", "allow_no_indices", "expand_wildcards")
_HEADER = (*_ROUTING, "search_type", "request_cache", "allow_partial_search_results")

# Behind every document whose position in the index is known.
NO_PLACE = 1 << 63


@dataclass(slots=True)
class LeafResult:
    """Elasticsearch's answer to a leaf.

    Attributes:
        hits: The hits, best first.
        ranking: Their keys and scores.
        cut: Whether there may be more.
    """

    leaf: Leaf
    answer: Mapping[str, Any]
    hits: list[dict[str, Any]] = field(init=False)
    ranking: Ranking = field(init=False)
    cut: bool = field(init=False)

    def __post_init__(self) -> None:
        self.hits = self.answer["hits"]["hits"]
        self.cut = len(self.hits) >= self.leaf.size
        self.ranking = [
            Ranked(
                key_of(hit),
                hit["_score"] if hit["_score"] is not None else 0.0,
                (hit["sort"][-1] if "sort" in hit else NO_PLACE, rank),
            )
            for rank, hit in enumerate(self.hits)
        ]

    def keep(self, keys: Container[Key]) -> None:
        """Drop all other hits."""
        pairs = zip(self.hits, self.ranking, strict=True)
        kept = [(hit, ranked) for hit, ranked in pairs if ranked.key in keys]
        self.cut |= len(kept) < len(self.hits)
        self.hits = [hit for hit, _ in kept]
        self.ranking = [ranked for _, ranked in kept]


def key_of(hit: Mapping[str, Any]) -> Key:
    """The key of a hit; a provisional one if its leaf returned no id, see `documents`."""
    id_ = hit.get("_id")
    return numbered_key(hit) if id_ is None else Key(hit["_index"], id_)


def numbered_key(hit: Mapping[str, Any]) -> Key:
    """The key of a hit by its sequence number."""
    return Key(hit["_index"], f"#{hit['_seq_no']}")


def matches_of(results: Sequence[LeafResult], clause: str) -> set[Key]:
    """Keys of the hits that match the clause of this name."""
    return {
        ranked.key
        for each in results
        for ranked, hit in zip(each.ranking, each.hits, strict=True)
        if clause in hit.get("matched_queries", ())
    }


def hits_of(
    results: Sequence[LeafResult], wanted: Container[Key]
) -> dict[Key, tuple[dict[str, Any], list[str]]]:
    """Hit and matched clause names of these documents; of several hits that of the first leaf."""
    found: dict[Key, tuple[dict[str, Any], list[str]]] = {}
    for each in results:
        for ranked, hit in zip(each.ranking, each.hits, strict=True):
            if ranked.key in wanted:
                _, clauses = found.setdefault(ranked.key, (hit, []))
                clauses += [n for n in hit.get("matched_queries", ()) if n not in clauses]
    return found


def by_owner(results: Sequence[LeafResult]) -> dict[int, LeafResult]:
    """`id()` of the owner -> result. Retrievers hold mappings and cannot be hashed."""
    return {id(each.leaf.owner): each for each in results}


def leaf_body(node: Node) -> dict[str, Any]:
    """The search body of a leaf.

    Standard and knn leaves, rescored or not, become `query` and `knn`, which any cluster accepts;
    other retrievers that the cluster runs become a `retriever`.
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
    """The query of a standard retriever, including its filters."""
    query = dict(node.query) if node.query is not None else MATCH_ALL
    if not node.filters:
        return query
    if node.query is None:
        return {"bool": {"filter": list(node.filters)}}
    return {"bool": {"must": query, "filter": list(node.filters)}}


def knn_section(node: Knn) -> dict[str, Any]:
    """The `knn` section of a search body."""
    section = {
        "field": node.field,
        **query_vector(node),
        "k": node.k,
        "num_candidates": node.num_candidates,
        **node.more,
    }
    if node.similarity is not None:
        section["similarity"] = node.similarity
    if node.filters:
        section["filter"] = list(node.filters)
    if node.name is not None:
        section["_name"] = node.name
    return section


def ordered(body: dict[str, Any], node: Node, *ties: Any) -> dict[str, Any]:
    """The body of a leaf with its order made total.

    Whole retriever trees refuse a `sort`, and rescored searches any but that of a point in time.

    Args:
        ties: Sort keys behind its own; the last one is the place in the index.
    """
    if isinstance(node, Rescorer) and ties == (SHARD_DOC,):
        node = node.child
    if not isinstance(node, Standard | Knn):
        return body
    return {**body, "track_scores": True, "sort": [*body.get("sort", ["_score"]), *ties]}


def knn_query_body(node: Knn) -> dict[str, Any]:
    """The search body that finds the same on one shard; see `abilities`."""
    return {"query": {"knn": knn_section(node)}}


def named(query: Clause, name: str | None) -> dict[str, Any]:
    """The query with a name that `matched_queries` reports; what it matches does not change."""
    return {"bool": {"must": dict(query), "_name": name}} if name is not None else dict(query)


def search(plan: Plan, body: Mapping[str, Any]) -> Call:
    """One `_search` of the plan's indices."""
    return Call("POST", path_of(plan.index, "_search"), plan.params, body)


def msearch(plan: Plan, bodies: Sequence[Mapping[str, Any]]) -> Call:
    """All bodies in one `_msearch` of the plan's indices.

    The path names them: some clusters refuse an index in a body
    (`rest.action.multi.allow_explicit_index: false`).
    """
    header = _header(plan)
    parts = [part for body in bodies for part in (header, body)]
    return Call("POST", path_of(plan.index, "_msearch"), {}, parts)


def search_beside(plan: Plan, body: Mapping[str, Any]) -> Call:
    """One `_search` of the shard copies that `msearch` asks; cheaper than an `_msearch` of one."""
    return Call("POST", path_of(plan.index, "_search"), _header(plan), body)


def msearch_in(pit: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> Call:
    """All bodies in one `_msearch` on a point in time."""
    parts = [part for body in bodies for part in ({}, {**body, "pit": pit})]
    return Call("POST", "/_msearch", {}, parts)


def search_in(pit: Mapping[str, Any], body: Mapping[str, Any]) -> Call:
    """One `_search` on a point in time."""
    return Call("POST", "/_search", {}, {**body, "pit": pit})


def mapping(index: str, params: Mapping[str, str] | None = None) -> Call:
    """The request for the mappings of an index; `params` choose the indices of the name."""
    return Call("GET", path_of(index, "_mapping"), params or {})


def open_point_in_time(plan: Plan) -> Call:
    """The request that opens a point in time on the plan's indices."""
    params = {"preference": _preference(plan)}
    params |= {name: plan.params[name] for name in _ROUTING if name in plan.params}
    path = path_of(plan.index or "_all", "_pit")
    return Call("POST", path, {"keep_alive": KEEP_ALIVE, **params})


def close_point_in_time(pit: Mapping[str, Any]) -> Call:
    """The request that closes a point in time."""
    return Call("DELETE", "/_pit", {}, {"id": pit["id"]})


def checked(reply: Reply) -> Mapping[str, Any]:
    """The answer.

    Raises:
        RequestRefused: with Elasticsearch's own error.
    """
    if reply.status >= 400:
        raise refusal(reply.status, reply.body)
    answer: Mapping[str, Any] = reply.body
    return answer


def checked_leaves(reply: Reply, leaves: Sequence[Leaf], *, kind: str) -> list[LeafResult]:
    """The results of an `_msearch`, one for each leaf.

    Args:
        kind: Kind of the retriever around the leaves.

    Raises:
        RequestRefused: a leaf failed. A page of the other leaves alone would be worse without
            saying so.
    """
    answers = checked(reply)["responses"]
    if not any("error" in answer for answer in answers):
        return [LeafResult(leaf, answer) for leaf, answer in zip(leaves, answers, strict=True)]
    failed = {
        leaf.owner.stage: answer
        for leaf, answer in zip(leaves, answers, strict=True)
        if "error" in answer
    }
    raise leaf_refusal(failed, kind)


def _header(plan: Plan) -> dict[str, str]:
    """What chooses indices and shard copies: of a search in an `_msearch`, or as parameters."""
    header = {name: plan.params[name] for name in _HEADER if name in plan.params}
    if "pit" not in plan.settings:
        header.setdefault("preference", _preference(plan))
    return header


def _preference(plan: Plan) -> str:
    """A preference that sends every leaf, and every page of one query, to the same shard copies.

    Copies refresh at different moments and number their documents differently: two leaves on two
    copies would see two states, and two pages of one search two orders.
    """
    leaves = [node for node in list(walk(plan.root)) if isinstance(node, Standard | Knn)]
    asked = [leaf.query if isinstance(leaf, Standard) else leaf.text for leaf in leaves]
    return f"es-hybrid-{zlib.crc32(repr(asked).encode()):08x}"


def path_of(index: str, endpoint: str) -> str:
    """The path of an endpoint; an empty index is every index."""
    return f"/{quote(index, safe=',*')}/{endpoint}" if index else f"/{endpoint}"
