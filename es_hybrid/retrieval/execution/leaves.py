"""The searches that a tree sends, and what came back of each."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from es_hybrid.retrieval.execution.dsl import any_of
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking
from es_hybrid.retrieval.execution.tree import children
from es_hybrid.retrieval.plan import Key, Knn, Linear, Node, Pinned, Rerank, Rrf, Standard
from es_hybrid.retrieval.retrieved import key_of

IsLeaf = Callable[[Node], bool]

# Behind every document whose place is known.
_NO_PLACE = 1 << 63


@dataclass(frozen=True, slots=True)
class Leaf:
    """One search to send.

    Attributes:
        owner: The retriever in the tree that its hits belong to.
        search: What is asked: the owner itself, or the documents that a pinned one names.
        size: Hits wanted.
    """

    owner: Node
    search: Node
    size: int

    @property
    def orders(self) -> bool:
        """Whether it takes a `sort`: whole retriever trees refuse one."""
        return isinstance(self.search, Standard | Knn)


@dataclass(frozen=True)
class Found:
    """What Elasticsearch answered to a leaf."""

    leaf: Leaf
    answer: Mapping[str, Any]

    @cached_property
    def hits(self) -> list[dict[str, Any]]:
        """Best first."""
        hits: list[dict[str, Any]] = self.answer["hits"]["hits"]
        return hits

    @cached_property
    def keys(self) -> list[Key]:
        """Of the hits, in their order."""
        return [key_of(hit) for hit in self.hits]

    @cached_property
    def ranking(self) -> Ranking:
        """Keys and scores, best first."""
        return [
            Ranked(
                key,
                hit["_score"] if hit["_score"] is not None else 0.0,
                (hit["sort"][-1] if "sort" in hit else _NO_PLACE, rank),
            )
            for rank, (key, hit) in enumerate(zip(self.keys, self.hits, strict=True))
        ]

    def pairs(self, wanted: Container[Key]) -> Iterator[tuple[Key, dict[str, Any]]]:
        """These hits and their keys, best first."""
        for key, hit in zip(self.keys, self.hits, strict=True):
            if key in wanted:
                yield key, hit

    def matched(self, name: str) -> set[Key]:
        """Keys of the hits that match the clause of this name."""
        return {
            key
            for key, hit in zip(self.keys, self.hits, strict=True)
            if name in hit.get("matched_queries", ())
        }


def hits_of(found: Sequence[Found], wanted: Container[Key]) -> dict[Key, dict[str, Any]]:
    """These hits by key; of several leaves that have one, the first's."""
    return {key: hit for each in reversed(found) for key, hit in each.pairs(wanted)}


def leaves_of(root: Node, is_leaf: IsLeaf, size: int) -> list[Leaf]:
    """Every search that the tree needs.

    Args:
        size: Hits wanted of the root, where it is a leaf itself.
    """
    if is_leaf(root):
        if isinstance(root, Rrf | Linear | Rerank | Pinned):
            # The cluster refuses a size beyond the window of a tree of its own.
            size = min(size, root.rank_window_size)
        return [Leaf(root, root, size)]
    window: int = getattr(root, "rank_window_size", size)
    if isinstance(root, Rerank) and root.keep_rest:
        window = max(window, size)
    below = [leaf for child in children(root) for leaf in leaves_of(child, is_leaf, window)]
    if isinstance(root, Pinned):
        return [Leaf(root, _pinned_documents(root), window), *below]
    return below


def _pinned_documents(node: Pinned) -> Standard:
    anywhere = [id_ for index, id_ in node.documents if index is None]
    queries: list[dict[str, Any]] = [{"ids": {"values": anywhere}}] if anywhere else []
    queries += [
        {"bool": {"filter": [{"term": {"_index": index}}, {"ids": {"values": [id_]}}]}}
        for index, id_ in node.documents
        if index is not None
    ]
    return Standard(query=any_of(queries), filters=node.filters if node.filtered else ())


def by_owner(found: Sequence[Found]) -> dict[int, Found]:
    """Owner -> what was found. By identity: retrievers hold mappings, which have no hash."""
    return {id(each.leaf.owner): each for each in found}
