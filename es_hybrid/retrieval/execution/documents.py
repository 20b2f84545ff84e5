"""Reads the documents that a page shows, once its hits are ranked.

Two leaves have 200 hits, of which a page shows ten. Reading and sending all 200 documents takes
Elasticsearch two fifths of a hybrid search (docs/performance.md), so the leaves return ids and
scores, and a second request the documents.

An id is stored with its document, and reading 200 of them takes a third of what is left. A
sequence number is not: on one shard it identifies a document as well, so there the leaves return
only that, and the documents bring the ids. Until then a hit has a provisional key.

Each hit is shown as its leaf matched it: if a document has changed since, the search is repeated
with leaves that return the documents.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from es_hybrid.retrieval.execution.failures import refusal
from es_hybrid.retrieval.execution.fuse import Ranking
from es_hybrid.retrieval.execution.page import documents_query
from es_hybrid.retrieval.execution.requests import (
    LeafResult,
    key_of,
    matches,
    numbered_key,
    search_beside,
)
from es_hybrid.retrieval.execution.tree import Leaf
from es_hybrid.retrieval.needs import Need, Reply
from es_hybrid.retrieval.nodes import Diversify, Knn, Node, Rerank, Signals, Spread, Standard
from es_hybrid.retrieval.plan import Key, Plan

# A second request is worth it if the leaves have this many times the documents that it reads.
_WORTH = 2
# Of a document, but not read from what is stored of it.
_CHEAP = frozenset(("version", "seq_no_primary_term", "track_scores"))
# What a hit has from its leaf.
_OF_THE_LEAF = frozenset(("_score", "sort", "matched_queries"))
_STATE = ("_seq_no", "_primary_term")
_TOO_BUSY = 429
# How a key by a sequence number begins that is none: -2.
_UNNUMBERED = "#-"


class DocumentsChanged(Exception):
    """A document is no longer the one that its leaf matched, or cannot be read by itself."""


class NumbersUnknown(DocumentsChanged):
    """The index finds no document by its sequence number."""


@dataclass(slots=True)
class Documents:
    """The documents of one search.

    Args:
        extra: What retrievers above the leaves read of a hit.
        one_shard: Whether the index consists of one shard and finds sequence numbers.

    Attributes:
        took: Milliseconds that reading took.
        ids: Key from the leaves -> key of each document read.
    """

    plan: Plan
    above: Sequence[Node]
    leaves: Sequence[Leaf]
    extra: Mapping[str, Any]
    one_shard: bool = False
    took: int = 0
    ids: dict[Key, Key] = field(default_factory=dict)

    @property
    def apart(self) -> bool:
        """Whether to read them after the ranking."""
        plan, leaves = self.plan, [leaf.search for leaf in self.leaves]
        if not plan.documents_apart or plan.explain or plan.profile:
            return False
        if "stored_fields" in plan.fetch:
            return False
        if not all(map(_is_plain, leaves)) or not self._is_read:
            return False
        if "highlight" in plan.fetch and len([*filter(_is_lexical, leaves)]) != 1:
            return False  # each leaf highlights the words of its own query
        windows = [node.rank_window_size for node in self.above if isinstance(node, Rerank)]
        return sum(leaf.size for leaf in self.leaves) > _WORTH * max(plan.size, *windows, 1)

    @property
    def leaf_plan(self) -> Plan:
        """The plan whose leaves return no documents."""
        least = {"stored_fields": "_none_"} if self.numbered else {"_source": False}
        return replace(self.plan, fetch={**least, "seq_no_primary_term": True})

    @property
    def numbered(self) -> bool:
        """Whether the leaves return sequence numbers without ids."""
        reading = (Diversify, Signals, Spread)  # ids, or fields of every hit
        return (
            self.one_shard
            and not self.leaf_extra
            and not any(isinstance(node, reading) for node in self.above)
        )

    @property
    def leaf_extra(self) -> Mapping[str, Any]:
        """The part of `extra` that is read from every hit, not only from those to rerank."""
        dropped = {"_source"}
        if not any(isinstance(node, Diversify | Spread) for node in self.above):
            dropped.add("fields")
        return {name: value for name, value in self.extra.items() if name not in dropped}

    def read(self, results: Sequence[LeafResult], hits: Ranking) -> Generator[Need, Any, None]:
        """Complete these hits of the leaves.

        Raises:
            RequestRefused: the cluster is too busy.
            DocumentsChanged: one of them is not as its leaf matched it.
            NumbersUnknown: the index numbers no documents, or shows none by their numbers.
        """
        wanted = {hit.key for hit in hits} - self.ids.keys()
        if not wanted:
            return
        numbered = self.numbered
        if numbered and any(key.id.startswith(_UNNUMBERED) for key in wanted):
            raise NumbersUnknown
        reply: Reply = yield search_beside(self.plan, self._body(wanted))
        answer = reply.body
        if reply.status == _TOO_BUSY:  # for a larger request as well
            raise refusal(reply.status, answer)
        if reply.status >= 400 or answer["timed_out"] or answer["_shards"]["failed"]:
            raise DocumentsChanged
        self.took += answer["took"]
        key_in_leaf = numbered_key if numbered else key_of
        found = {key_in_leaf(hit): hit for hit in answer["hits"]["hits"]}
        if numbered and not found:
            raise NumbersUnknown
        if found.keys() != wanted:
            raise DocumentsChanged
        for each in results:
            pairs = zip(each.ranking, each.hits, strict=True)
            each.hits = [
                self._completed(hit, found[ranked.key]) if ranked.key in found else hit
                for ranked, hit in pairs
            ]
        self.ids |= {key: key_of(hit) for key, hit in found.items()}

    @property
    def _is_read(self) -> bool:
        """Whether more is shown or reranked than the leaves return anyway."""
        shown = self.plan.fetch.keys() - _CHEAP - {"_source"}
        return (
            bool(shown)
            or self.plan.fetch.get("_source", True) is not False
            or "_source" in self.extra
        )

    def _body(self, wanted: set[Key]) -> dict[str, Any]:
        fetch = dict(self.plan.fetch)
        fetch |= {name: self.extra[name] for name in ("_source", "fields") if name in self.extra}
        if isinstance(highlight := fetch.get("highlight"), Mapping):
            (lexical,) = (leaf.search for leaf in self.leaves if isinstance(leaf.search, Standard))
            fetch["highlight"] = {"highlight_query": matches(lexical), **highlight}
        settings = {n: v for n, v in self.plan.settings.items() if n != "indices_boost"}
        return {
            **settings,
            **fetch,
            "query": _numbers_query(wanted) if self.numbered else documents_query(sorted(wanted)),
            "size": len(wanted),
            "track_total_hits": False,
            "seq_no_primary_term": True,
        }

    def _completed(self, hit: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        if any(hit[name] != document[name] for name in _STATE):
            raise DocumentsChanged
        fields = {**hit.get("fields", {}), **document.get("fields", {})}
        stored = {name: value for name, value in document.items() if name not in _OF_THE_LEAF}
        known = {"_index": hit["_index"], "_id": document["_id"]}
        whole = {**known, **hit, **stored, **({"fields": fields} if fields else {})}
        if not self.plan.fetch.get("seq_no_primary_term"):
            for name in _STATE:
                del whole[name]
        return whole


def _is_plain(leaf: Node) -> bool:
    """Whether a hit of the leaf is what its document is."""
    if isinstance(leaf, Standard):
        return leaf.collapse is None and "inner_hits" not in repr(leaf.query)
    return isinstance(leaf, Knn) and not leaf.more


def _numbers_query(keys: Collection[Key]) -> dict[str, Any]:
    """A query for documents of one shard by their sequence numbers.

    Not by their index: if the name stands for another one by now, that shows in what is found.
    """
    return {"terms": {"_seq_no": sorted(int(key.id[1:]) for key in keys)}}


def _is_lexical(leaf: Node) -> bool:
    return isinstance(leaf, Standard)
