"""Retriever trees: filled with vectors, then split into leaves for Elasticsearch and the rest."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.nodes import (
    Child,
    Clause,
    Compound,
    Diversify,
    Foreign,
    Groups,
    Knn,
    Linear,
    Node,
    Pinned,
    Rerank,
    Rrf,
    Signals,
    Spread,
    Standard,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One search to send.

    Attributes:
        owner: The retriever in the tree that its hits belong to.
        search: What is sent: the owner, or the documents that a pinned retriever names.
        size: Number of hits to fetch.
    """

    owner: Node
    search: Node
    size: int


@dataclass(slots=True)
class SplitTree:
    """A retriever tree divided at its leaves.

    Attributes:
        root: The tree, with every filter moved to the leaves it applies to.
        above: Retrievers that run here.
        leaves: Searches to send, in the order of the tree.
    """

    root: Node
    above: list[Compound] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)


def split(root: Node, cluster_runs: Container[int], size: int) -> SplitTree:
    """Divide a tree at its leaves.

    Args:
        cluster_runs: `id()` of the retrievers that Elasticsearch runs whole.
        size: Number of hits wanted from the root.
    """
    tree = SplitTree(root)
    tree.root = _split(root, cluster_runs, size, (), tree)
    return tree


def _split(
    node: Node, cluster_runs: Container[int], size: int, above: Sequence[Clause], tree: SplitTree
) -> Node:
    filters = (*above, *node.filters)
    if isinstance(node, Pinned):
        filters += tuple(each for each in node.excluding if each not in above)
    if isinstance(node, Standard | Knn | Foreign) or id(node) in cluster_runs:
        leaf = replace(node, filters=filters) if above else node
        if isinstance(node, Rrf | Linear | Rerank | Pinned | Diversify):
            # Elasticsearch refuses a size beyond the window of a tree.
            size = min(size, node.rank_window_size)
        tree.leaves.append(Leaf(leaf, leaf, size))
        return leaf
    window = node.rank_window_size
    if isinstance(node, Signals | Spread) or (isinstance(node, Rerank) and node.keep_rest):
        window = max(window, size)
    first = len(tree.leaves)
    inside = [_split(child, cluster_runs, window, filters, tree) for child in children(node)]
    # A pinned retriever needs its filters for the pinned documents themselves.
    kept = filters if isinstance(node, Pinned) else ()
    split_node = replace(with_children(node, inside), filters=kept)
    if isinstance(split_node, Pinned) and split_node.documents:
        # All of them, since their order is not that of their scores.
        size = max(window, len(split_node.documents))
        tree.leaves.insert(first, Leaf(split_node, _pinned_documents(split_node), size))
    tree.above.append(split_node)
    return split_node


def children(node: Node) -> tuple[Node, ...]:
    """The retrievers directly inside."""
    match node:
        case Rrf() | Linear():
            return tuple(child.node for child in node.children)
        case Standard() | Knn() | Foreign():
            return ()
        case _:
            return (node.child,)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything inside, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def groups_of(root: Node) -> Groups | None:
    """The retriever in the tree that keeps one hit of each group."""
    return next((node for node in walk(root) if isinstance(node, Groups)), None)


def fields_read(node: Node) -> list[str]:
    """The fields that rerankers and other reordering retrievers in the tree read, each once."""
    fields: list[str] = []
    for each in walk(node):
        if isinstance(each, Rerank | Diversify) and each.field is not None:
            fields.append(each.field)
        elif isinstance(each, Spread):
            fields += each.limits
    return list(dict.fromkeys(fields))


def to_embed(node: Node) -> list[tuple[str, str]]:
    """The texts that still have to be embedded, each with the field it is compared with."""
    return [
        (each.text, each.field)
        for each in walk(node)
        if isinstance(each, Knn | Diversify) and each.vector is None and each.text is not None
    ]


def with_vectors(node: Node, vectors: Mapping[str, Sequence[float] | None]) -> Node | None:
    """The tree with the vector of each text.

    A leaf whose text has no vector (None) is dropped, and so is a compound retriever left without
    a child; hits are then not diversified. If no vector leaf remains, standard retrievers use their
    `alone` query.
    """
    found = _with_vectors(node, vectors)
    if found is None or None not in vectors.values():
        return found
    return found if any(isinstance(each, Knn) for each in walk(found)) else _alone(found)


def check_dims(node: Node, dims: Mapping[str, int]) -> None:
    """Refuse a tree with embedded texts that cannot be compared with the vectors of their fields.

    Args:
        dims: As in `Plan`.

    Raises:
        RequestRefused: naming the field.
    """
    for each in walk(node):
        if isinstance(each, Knn | Diversify) and each.text is not None and each.vector is not None:
            found, wanted = len(each.vector), dims.get(each.field)
            if wanted not in (None, found):
                raise RequestRefused(
                    f"[{each.field}] holds vectors of {wanted} dimensions, but the embedder's have "
                    f"{found}; configure the model that the vectors were made with (section "
                    "embedding of the settings), or search another vector field"
                )


def _with_vectors(node: Node, vectors: Mapping[str, Sequence[float] | None]) -> Node | None:
    match node:
        case Standard() | Foreign():
            return node
        case Knn():
            if node.vector is not None or node.text is None:
                return node
            vector = vectors[node.text]
            return None if vector is None else replace(node, vector=vector)
        case Diversify() if node.vector is None and node.text is not None:
            child, vector = _with_vectors(node.child, vectors), vectors[node.text]
            if child is None or vector is None:
                return child
            return replace(node, child=child, vector=vector)
        case Rrf() | Linear():
            kept = [
                replace(child, node=inside)
                for child in node.children
                if (inside := _with_vectors(child.node, vectors)) is not None
            ]
            return replace(node, children=tuple(kept)) if kept else None
        case _:
            child = _with_vectors(node.child, vectors)
            return None if child is None else replace(node, child=child)


def _alone(node: Node) -> Node:
    """The tree with the `alone` query in place of each standard retriever's own."""
    if isinstance(node, Standard):
        return node if node.alone is None else replace(node, query=node.alone)
    if isinstance(node, Knn | Foreign):
        return node
    return with_children(node, list(map(_alone, children(node))))


def with_children(node: Compound, inside: Sequence[Node]) -> Compound:
    """The node with other retrievers directly inside, in the order of `children`."""
    match node:
        case Rrf() | Linear():
            pairs = zip(node.children, inside, strict=True)
            return replace(
                node, children=tuple(Child(new, c.weight, c.normalizer) for c, new in pairs)
            )
        case _:
            return replace(node, child=inside[0])


def _pinned_documents(node: Pinned) -> Standard:
    filters = node.filters if node.filtered else node.excluding
    return Standard(query=documents_clause(node.documents), filters=filters)


def documents_clause(documents: Sequence[tuple[str | None, str]]) -> Clause:
    """A query for documents by index and id; without an index, in any."""
    anywhere = [id_ for index, id_ in documents if index is None]
    queries: list[dict[str, Any]] = [{"ids": {"values": anywhere}}] if anywhere else []
    queries += [
        {"bool": {"filter": [{"term": {"_index": index}}, {"ids": {"values": [id_]}}]}}
        for index, id_ in documents
        if index is not None
    ]
    return any_of(queries)


def any_of(queries: Sequence[Clause]) -> dict[str, Any]:
    """A query for documents that match one of the queries."""
    if len(queries) == 1:
        return dict(queries[0])
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}
