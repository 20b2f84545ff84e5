"""Checks of well-formed trees that Elasticsearch makes before it runs them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.retrieval.execution.tree import children, walk
from es_hybrid.retrieval.nodes import (
    Compound,
    Diversify,
    Foreign,
    Knn,
    Linear,
    Node,
    Pinned,
    Rescorer,
    Rrf,
    RuleRetriever,
    Standard,
)
from es_hybrid.retrieval.retriever_dsl.refusals import invalid, refused
from es_hybrid.retrieval.retriever_dsl.reordering import diversify_problems
from es_hybrid.retrieval.retriever_dsl.rules import check_reference
from es_hybrid.retrieval.retriever_dsl.short_form import check_weights
from es_hybrid.retrieval.retriever_dsl.short_form import problems as short_form_problems

_MAX_CANDIDATES = 10_000
_MAX_PINNED = 100
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
        _check_node(node)
        for child in children(node):
            _check_inside(child)
    _check_pinned(root, filtered=False)


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


def _check_node(node: Node) -> None:
    if isinstance(node, Rrf) and node.rank_constant < 0:
        raise refused(f"[rrf] [rank_constant] cannot be negative, found [{node.rank_constant}]")
    if isinstance(node, Rrf | Linear):
        check_weights(node)
    if isinstance(node, Linear) and node.min_score is not None and node.min_score < 0:
        raise refused(f"[min_score] must be greater than or equal to 0, was: [{node.min_score}]")
    if isinstance(node, RuleRetriever):
        check_reference(node.rulesets, node.facts)
        _check_ruled(node.child)
    if isinstance(node, Knn):
        if node.k < 1:
            raise refused("[k] must be greater than 0")
        if node.num_candidates < node.k:
            raise refused("[num_candidates] cannot be less than [k]")
        if node.num_candidates > _MAX_CANDIDATES:
            raise refused(f"[num_candidates] cannot exceed [{_MAX_CANDIDATES}]")


def _check_ruled(child: Node) -> None:
    if isinstance(child, Standard) and child.sort:
        written = dict(map(_sort_criterion, child.sort))
        if next(iter(written)) != "_score":
            shown = ", ".join(_pretty({name: value}) for name, value in written.items())
            raise refused(f"[rule] retriever only supports sort by score, got: [{shown}]")


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


def _check_pinned(node: Node, *, filtered: bool) -> None:
    """What Elasticsearch checks when it pins documents.

    Args:
        filtered: Whether a retriever above has a filter.
    """
    filtered = filtered or bool(node.filters)
    if isinstance(node, Pinned) and not isinstance(node, RuleRetriever):
        _check_organic(node.child, filtered)
        _check_documents(node.documents)
    for child in children(node):
        _check_pinned(child, filtered=filtered)


def _check_organic(child: Node, filtered: bool) -> None:
    if isinstance(child, Standard):
        for criterion in child.sort or ():
            name, written = _sort_criterion(criterion)
            if name not in ("_score", "_shard_doc"):
                raise refused(
                    "[pinned] retriever only supports sorting by score, invalid sort criterion: "
                    + _pretty({name: written})
                )
        if child.query is not None or child.filters or filtered:
            return
    elif not isinstance(child, Knn):
        return
    raise refused("pinned retriever requires retriever with associated query")


def _sort_criterion(criterion: Any) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(criterion, Mapping):
        return str(criterion), {"order": "asc"}
    name, written = next(iter(criterion.items()), ("", {}))
    if isinstance(written, Mapping):
        return name, {"order": "asc", **written}
    return name, {"order": written}


def _check_documents(documents: Sequence[tuple[str | None, str]]) -> None:
    kind = "id" if all(index is None for index, _ in documents) else "doc"
    if len(documents) > _MAX_PINNED:
        raise refused(f"[pinned] Max of {_MAX_PINNED} {kind}s exceeded: {len(documents)} provided.")
    for index, id_ in (each for each, count in Counter(documents).items() if count > 1):
        document = {"_id": id_} if index is None else {"_index": index, "_id": id_}
        found = id_ if kind == "id" else _pretty(document)
        raise refused(f"[pinned] duplicate {kind} found in list: {found}")


def _pretty(value: Mapping[str, Any]) -> str:
    """JSON as Elasticsearch prints it."""
    return json.dumps(value, indent=2, separators=(",", " : "))


def _window_field(node: Compound) -> str:
    return "window_size" if isinstance(node, Rescorer) else "rank_window_size"
