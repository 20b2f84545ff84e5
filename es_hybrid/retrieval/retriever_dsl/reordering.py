"""The parameters of `diversify` and `random_reranker`."""

from __future__ import annotations

from typing import Any, cast

from es_hybrid.retrieval.nodes import (
    RANK_WINDOW_SIZE,
    Diversify,
    Node,
    RandomRerank,
)
from es_hybrid.retrieval.retriever_dsl import parameters
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, refused
from es_hybrid.retrieval.retriever_dsl.vector_builders import text_of

DIVERSIFY = (
    "retriever", "type", "field", "rank_window_size", "query_vector", "query_vector_builder",
    "lambda", "size", *parameters.BASE,
)  # fmt: skip
RANDOM_RERANKER = ("retriever", "field", "rank_window_size", "seed", *parameters.BASE)

# Elasticsearch's default, unless the window is smaller.
_SIZE = 10


def diversify(fields: Fields, child: Node | None) -> Diversify:
    """The node of a `diversify` retriever.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    kind, field = fields.string("type"), fields.string("field")
    window = _window(fields)
    size = fields.integer("size")
    builder = fields.mapping("query_vector_builder")
    text = None if builder is None else text_of("diversify", builder)
    fields.required("retriever", "type", "field")
    if str(kind).lower() != "mmr":
        reason = f"unknown result diversification type [{kind}]"
        cause = {"type": "illegal_argument_exception", "reason": reason}
        failed = "Failed to build [diversify] after last required field arrived"
        raise refused(failed, type=X_CONTENT, cause=cause)
    return Diversify(
        child=cast(Node, child),
        field=cast(str, field),
        lambda_=fields.number("lambda"),
        size=min(_SIZE, window) if size is None else size,
        vector=fields.vector("query_vector"),
        text=text,
        builder=builder if text is None else None,
        rank_window_size=window,
        # Elasticsearch ignores its `min_score`.
        **parameters.base(fields, bounds=False),
    )


def diversify_problems(node: Diversify) -> list[str]:
    """What Elasticsearch finds wrong with a well-formed `diversify`."""
    mmr, found = "[diversify] MMR result diversification", []
    if node.vector is not None and (node.text is not None or node.builder is not None):
        found.append(
            f"{mmr} can have one of [query_vector] or [query_vector_builder], but not both"
        )
    if node.size <= 0:
        found.append(f"{mmr} [size] of {node.size} must be greater than zero")
    if node.size > node.rank_window_size:
        found.append(
            f"{mmr} [size] of {node.size} cannot be greater than the [rank_window_size] of "
            f"{node.rank_window_size}"
        )
    if node.lambda_ is None or not 0 <= node.lambda_ <= 1:
        given: Any = "null" if node.lambda_ is None else node.lambda_
        found.append(
            f"{mmr} must have a [lambda] between 0.0 and 1.0. The value provided was {given}"
        )
    if isinstance(node.vector, str):
        found.append("[diversify] retriever cannot have a [query_vector] that is string encoded")
    return found


def random_reranker(fields: Fields, child: Node | None) -> RandomRerank:
    """The node of a `random_reranker` retriever.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    fields.required("retriever")
    return RandomRerank(
        child=cast(Node, child),
        field=fields.string("field"),
        seed=fields.integer("seed"),
        rank_window_size=_window(fields),
        **parameters.base(fields),
    )


def _window(fields: Fields) -> int:
    window = fields.integer("rank_window_size")
    return RANK_WINDOW_SIZE if window is None else window
