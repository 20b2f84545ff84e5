"""Walking a retriever tree: filters pushed down, texts turned into vectors, leaves found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from es_hybrid.retrieval.plan import (
    Child,
    Clause,
    Compound,
    Knn,
    Linear,
    Node,
    Pinned,
    Rerank,
    Rescorer,
    Rrf,
    Standard,
)

Vectors = Mapping[str, Sequence[float] | None]


def children(node: Node) -> tuple[Node, ...]:
    """The retrievers directly inside."""
    match node:
        case Rrf() | Linear():
            return tuple(child.node for child in node.children)
        case Rerank() | Pinned() | Rescorer():
            return (node.child,)
        case Standard() | Knn():
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything inside, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def run_here(node: Node, is_leaf: Callable[[Node], bool]) -> Iterator[Node]:
    """The retrievers above the leaves, parents first."""
    if not is_leaf(node):
        yield node
        for child in children(node):
            yield from run_here(child, is_leaf)


def rerank_fields(node: Node) -> list[str]:
    """The fields that rerankers in the tree read, each once."""
    fields = (each.field for each in walk(node) if isinstance(each, Rerank))
    return list(dict.fromkeys(field for field in fields if field is not None))


def texts(node: Node) -> list[str]:
    """The distinct texts that are still to be embedded."""
    wanted = (knn.text for knn in walk(node) if isinstance(knn, Knn) and knn.vector is None)
    return list(dict.fromkeys(text for text in wanted if text is not None))


def with_vectors(node: Node, vectors: Vectors) -> Node | None:
    """The tree with each text's vector. What has none (None) falls away, and so does a compound
    retriever left without a child; the standard retrievers that remain beside nothing else then
    ask their `alone` query.
    """  # noqa: D205
    found = _with_vectors(node, vectors)
    if found is None or any(isinstance(each, Knn) for each in walk(found)):
        return found
    return _mapped(found, _alone) if None in vectors.values() else found


def pushed_down(node: Node, is_leaf: Callable[[Node], bool], above: Sequence[Clause] = ()) -> Node:
    """The tree with every filter standing on the leaves it holds for.

    Args:
        is_leaf: Whether the cluster runs a retriever as it is, with all that is inside.
    """
    filters = (*above, *node.filters)
    if is_leaf(node):
        return replace(node, filters=filters)
    inside = _with_children(node, [pushed_down(c, is_leaf, filters) for c in children(node)])
    # A pinned retriever needs its filters for the pinned documents themselves.
    return replace(inside, filters=filters if isinstance(inside, Pinned) else ())


def _with_vectors(node: Node, vectors: Vectors) -> Node | None:
    match node:
        case Standard():
            return node
        case Knn():
            if node.vector is not None or node.text is None:
                return node
            vector = vectors[node.text]
            return None if vector is None else replace(node, vector=vector)
        case Rrf() | Linear():
            kept = [
                replace(child, node=inside)
                for child in node.children
                if (inside := _with_vectors(child.node, vectors)) is not None
            ]
            return replace(node, children=tuple(kept)) if kept else None
        case Rerank() | Pinned() | Rescorer():
            child = _with_vectors(node.child, vectors)
            return None if child is None else replace(node, child=child)


def _alone(node: Node) -> Node:
    if isinstance(node, Standard) and node.alone is not None:
        return replace(node, query=node.alone)
    return node


def _mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    changed = change(node)
    if isinstance(changed, Standard | Knn):
        return changed
    return _with_children(changed, [_mapped(child, change) for child in children(changed)])


def _with_children(node: Node, inside: Sequence[Node]) -> Compound:
    match node:
        case Rrf() | Linear():
            pairs = zip(node.children, inside, strict=True)
            return replace(
                node, children=tuple(Child(new, c.weight, c.normalizer) for c, new in pairs)
            )
        case Rerank() | Pinned() | Rescorer():
            return replace(node, child=inside[0])
        case Standard() | Knn():
            raise TypeError(f"{node.kind} has no children")
