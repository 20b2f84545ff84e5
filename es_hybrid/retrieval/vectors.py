"""The vectors of a search's texts: in its retrievers, and in `knn` sections and queries."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.errors import EmbeddingError, RequestRefused
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.context import Context, read_fields
from es_hybrid.retrieval.execution.tree import to_embed, with_vectors
from es_hybrid.retrieval.needs import EmbedQuery, Need
from es_hybrid.retrieval.nodes import Node
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.retriever_dsl.query_vectors import (
    Indispensable,
    query_texts,
    with_query_vectors,
)
from es_hybrid.retrieval.vector_fields import VectorFields

Vectors = Mapping[str, Sequence[float] | None]


def embedded_queries(
    body: Mapping[str, Any], context: Context, params: Mapping[str, str]
) -> Generator[Need, Any, tuple[Mapping[str, Any], list[str]]]:
    """The body with a vector for each text of a `knn` section or query, and what failed.

    Raises:
        RequestRefused: a `query_vector_builder` is malformed.
        EmbeddingError: no vector, and the search means nothing without it.
    """
    wanted = query_texts(body)
    if not wanted:
        return body, []
    fields = yield from _readable_fields(context, params)
    passports = _passports(wanted, fields)
    texts = [text for text, _ in wanted]
    vectors, failure = yield from _embed(texts, context.index, passports, degrade=context.degrade)
    try:
        return with_query_vectors(body, vectors), _reported(failure)
    except Indispensable:
        assert failure is not None
        raise failure from None


def with_field_facts(
    plan: Plan, context: Context, params: Mapping[str, str]
) -> Generator[Need, Any, Plan]:
    """The plan, with what its vectors must agree with: passports and dimensions of the fields."""
    wanted = to_embed(plan.root)
    if not wanted:
        return plan
    fields = yield from _readable_fields(context, params)
    return replace(plan, passports=_passports(wanted, fields), dims=fields.dims)


def embedded(plan: Plan) -> Generator[Need, Any, tuple[Node, list[str]]]:
    """The tree with its vectors; leaves that cannot be embedded are dropped and reported.

    Raises:
        EmbeddingError: nothing is left, or the plan does not degrade.
    """
    texts = [text for text, _ in to_embed(plan.root)]
    vectors, failure = yield from _embed(texts, plan.index, plan.passports, degrade=plan.degrade)
    root = with_vectors(plan.root, vectors)
    if root is None:
        assert failure is not None
        raise failure
    return root, _reported(failure)


def _embed(
    texts: Iterable[str], index: str, passports: tuple[Passport, ...], *, degrade: bool
) -> Generator[Need, Any, tuple[Vectors, EmbeddingError | None]]:
    """Each text's vector; None for all after the first that fails."""
    vectors: dict[str, Sequence[float] | None] = dict.fromkeys(texts)
    try:
        for text in vectors:
            vectors[text] = yield EmbedQuery(text, index, passports)
    except EmbeddingError as error:  # further texts would only wait for the same failure
        if not degrade:
            raise
        return vectors, error
    return vectors, None


def _readable_fields(
    context: Context, params: Mapping[str, str]
) -> Generator[Need, Any, VectorFields]:
    """The vector fields; none if the mapping may not be read."""
    try:
        return (yield from read_fields(context, params))
    except RequestRefused:  # the search itself may still be allowed, or explains the refusal
        return VectorFields((), ())


def _passports(wanted: Iterable[tuple[str, str]], fields: VectorFields) -> tuple[Passport, ...]:
    """The passports of the fields that texts are compared with."""
    passports = dict.fromkeys(fields.passport_of(field) for _, field in wanted)
    return tuple(filter(None, passports))


def _reported(failure: EmbeddingError | None) -> list[str]:
    return [] if failure is None else [f"embedding: {failure.message}"]
