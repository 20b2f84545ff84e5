"""Checks of well-formed trees that Elasticsearch makes before it runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from es_hybrid.retrieval.execution.tree import children, walk
from es_hybrid.retrieval.plan import (
    Compound,
    Diversify,
    Foreign,
    Knn,
    Linear,
    Node,
    Rescorer,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.retriever_dsl.refusals import invalid, refused
from es_hybrid.retrieval.retriever_dsl.reordering import diversify_problems
from es_hybrid.retrieval.retriever_dsl.short_form import problems as short_form_problems

_MAX_CANDIDATES = 10_000
# Each leaf is a search, and repeats the filters above it.
_MAX_LEAVES = 64


def validate(root: Node, *, size: int | None, scroll: bool) -> None:
    """Refuse a tree that contradicts itself or the page.

    Args:
        size: The size in the body; None if it has none.
        scroll: Whether the search requests a scroll.

    Raises:
        RequestRefused: the tree is invalid; the message names each parameter.
    """
    found = list(_problems(root, size, scroll))
    if found:
        raise invalid(found)
    nodes = list(walk(root))
    leaves = sum(isinstance(node, Standard | Knn | Foreign) for node in nodes)
    if leaves > _MAX_LEAVES:
        raise refused(
            f"es-hybrid runs at most [{_MAX_LEAVES}] [standard] and [knn] retrievers in one search,"
            f" found [{leaves}]"
        )
    for node in nodes:
        _check_leaf(node)
        for child in children(node):
            _check_inside(child)


def _problems(node: Node, size: int | None, scroll: bool) -> Iterator[str]:
    if not isinstance(node, Compound):
        return
    if isinstance(node, Diversify):
        # Elasticsearch does not compare its window with those inside.
        yield from diversify_problems(node)
        yield from _problems(node.child, None, scroll)
        return
    kind, field, window = node.kind, _window_field(node), node.rank_window_size
    if size is not None and size > window:
        yield (f"[{kind}] requires [{field}: {window}] be greater than or equal to [size: {size}]")
    if scroll:
        yield f"cannot specify [{kind}] and [scroll]"
    if window < 0:
        yield f"[{field}] parameter cannot be negative, found [{window}]"
    for child in children(node):
        yield from _problems(child, size, scroll)
        if isinstance(child, Compound) and window > child.rank_window_size:
            yield (
                f"[{kind}] requires [{field}: {window}] to be smaller than or equal to its sub "
                f"retriever's {child.kind} [{_window_field(child)}: {child.rank_window_size}]"
            )
    if isinstance(node, Rrf | Linear):
        yield from short_form_problems(node)


def _check_leaf(node: Node) -> None:
    if isinstance(node, Rrf) and node.rank_constant < 1:
        raise refused("[rank_constant] must be greater or equal to [1] for [rrf]")
    if isinstance(node, Linear) and node.min_score is not None and node.min_score < 0:
        raise refused(f"[min_score] must be greater than or equal to 0, was: [{node.min_score}]")
    if isinstance(node, Knn):
        if node.k < 1:
            raise refused("[k] must be greater than 0")
        if node.num_candidates < node.k:
            raise refused("[num_candidates] cannot be less than [k]")
        if node.num_candidates > _MAX_CANDIDATES:
            raise refused(f"[num_candidates] cannot exceed [{_MAX_CANDIDATES}]")


def _check_inside(child: Node) -> None:
    """Parameters that a standard retriever may only have at the top."""
    if isinstance(child, Standard):
        given: dict[str, Any] = {
            "search_after": child.search_after,
            "terminate_after": child.terminate_after,
        }
        for name, value in given.items():
            if value is not None:
                raise refused(f"[{name}] cannot be used in children of compound retrievers")


def _window_field(node: Compound) -> str:
    return "window_size" if isinstance(node, Rescorer) else "rank_window_size"
