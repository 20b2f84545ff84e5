"""The door for search bodies: the retriever language, and bodies with `ext.es_hybrid`.

    body -> plan -> execute -> Retrieved

A generator like `execute`, which it ends in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.engine import Search, execute
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.execution.requests import checked, mapping
from es_hybrid.retrieval.execution.tree import texts, walk
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.plan import Knn, Plan
from es_hybrid.retrieval.reranked_text import reader
from es_hybrid.retrieval.retriever_dsl.body import parse_body
from es_hybrid.retrieval.retriever_dsl.own_query import own_query_plan, parse_extension
from es_hybrid.retrieval.retriever_dsl.retrievers import PARSERS
from es_hybrid.retrieval.vector_fields import VectorFields, vector_fields
from es_hybrid.settings import Settings

# Index (as in a path) -> what its mapping says of vectors. Whoever holds it decides when to forget,
# and that no caller profits from what another was allowed to read.
KnownFields = MutableMapping[str, VectorFields]

# Raises `PassportMismatch` where the embedder's vectors cannot be compared with the index's.
Fits = Callable[[Passport], None]

_BASIC = {"standard", "knn", "rescorer"}


def understood(body: Any) -> bool:
    """Whether a search body is es-hybrid's to answer; any other is Elasticsearch's own business.

    That is a body with `ext.es_hybrid`, and one whose `retriever` holds what not every cluster
    runs, or a text to embed. A tree with a retriever unknown here is left to Elasticsearch.
    """
    if not isinstance(body, Mapping):
        return False
    if _extended(body):
        return True
    kinds = set(_kinds(body.get("retriever")))
    return bool(kinds - _BASIC) and kinds <= {*PARSERS, "query_vector_builder"}


def answer(
    body: Mapping[str, Any],
    *,
    index: str,
    settings: Settings,
    abilities: Abilities,
    known: KnownFields,
    params: Mapping[str, str] | None = None,
    reranks: bool = False,
    execution: Execution | None = None,
    fits: Fits | None = None,
    degrade: bool = True,
) -> Search:
    """Answer a search body as `_search` does.

    Args:
        index: As in the path; empty for every index.
        known: Of this caller.
        params: Of the query string, for Elasticsearch; what has a place in the body stands there.
        reranks: Whether a reranker is configured.
        execution: None: the settings'.
        fits: Holds the embedder against the passport, where there is one.
        degrade: A dead embedder or reranker makes the search worse instead of failing it.

    Raises:
        EsHybridError: as `execute`; `RequestRefused` for what is wrong with the body.
    """

    def begin() -> Search:
        return _answered(
            body, index, settings, abilities, known, params or {}, reranks, execution, fits, degrade
        )

    return (yield from settled(begin, index=index, known=known))


def _answered(
    body: Mapping[str, Any],
    index: str,
    settings: Settings,
    abilities: Abilities,
    known: KnownFields,
    params: Mapping[str, str],
    reranks: bool,
    execution: Execution | None,
    fits: Fits | None,
    degrade: bool,
) -> Search:
    if _extended(body):
        plan = yield from _own_query(body, index, params, settings, known, reranks, fits)
    else:
        plan = parse_body(body, index=index, params=params)
        if fits is not None and texts(plan.root):
            yield from _check(plan, known, fits)
    return (
        yield from execute(
            replace(plan, degrade=degrade),
            abilities=abilities,
            execution=execution or settings.search.execution,
            reranks=reranks,
        )
    )


def _extended(body: Mapping[str, Any]) -> bool:
    return isinstance(body.get("ext"), Mapping) and "es_hybrid" in body["ext"]


def _own_query(
    body: Mapping[str, Any],
    index: str,
    params: Mapping[str, str],
    settings: Settings,
    known: KnownFields,
    reranks: bool,
    fits: Fits | None,
) -> Generator[Need, Any, Plan]:
    extension = parse_extension(body["ext"]["es_hybrid"], settings.search)
    fields = yield from _fields(index, known)
    vector_field = fields.chosen(
        extension.vector_field, preferred=settings.index.vector_field, place=index
    )
    passport = fields.passport_of(vector_field)
    if fits is not None and passport is not None:
        fits(passport)
    return own_query_plan(
        body,
        extension,
        vector_field=vector_field,
        document=None if passport is None else reader(passport),
        rerank=settings.rerank,
        reranks=reranks,
        index=index,
        params=params,
    )


def _check(plan: Plan, known: KnownFields, fits: Fits) -> Generator[Need, Any, None]:
    """Hold the embedder against the passport of every field that a text is looked for in."""
    fields = yield from _fields(plan.index, known)
    for node in walk(plan.root):
        if isinstance(node, Knn) and node.vector is None:
            passport = fields.passport_of(node.field)
            if passport is not None:
                fits(passport)


def _fields(index: str, known: KnownFields) -> Generator[Need, Any, VectorFields]:
    if index not in known:
        known[index] = vector_fields(checked((yield mapping(index))))
    return known[index]


def _kinds(retriever: Any) -> list[str]:
    """Every kind of retriever in a tree as it is written, readable or not."""
    if not isinstance(retriever, Mapping) or not retriever:
        return []
    kind, content = next(iter(retriever.items()))
    kinds = [str(kind)]
    if not isinstance(content, Mapping):
        return kinds
    if kind == "knn" and "query_vector_builder" in content:
        kinds.append("query_vector_builder")
    below = content.get("retrievers")
    for child in [content.get("retriever"), *(below if isinstance(below, list) else [])]:
        wrapped = isinstance(child, Mapping) and "retriever" in child
        kinds += _kinds(child["retriever"] if wrapped else child)
    return kinds
