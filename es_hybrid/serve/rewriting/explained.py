"""A dry run: what the server would make of a search."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from elasticsearch import Elasticsearch

from es_hybrid.drive.send import sender
from es_hybrid.errors import EsHybridError, InvalidRequest
from es_hybrid.http.answers import Headers
from es_hybrid.reranking import open_reranker
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import own_plan
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.needs import Call, Need
from es_hybrid.retrieval.nodes import (
    Clause,
    Knn,
    Rerank,
    Rrf,
)
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.retriever_dsl.body import is_extended
from es_hybrid.retrieval.retriever_dsl.own_query import vector_filters
from es_hybrid.serve.rewriting.rules import Fitting, Rewrite
from es_hybrid.serve.search_api.msearch import MsearchItem, parse_msearch, parse_search
from es_hybrid.settings import Settings

T = TypeVar("T")

_OURS, _THEIRS = "es-hybrid", "Elasticsearch"
# Parts of a body that the plan itself shows.
_SHOWN = ("query", "sort", "ext")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPlan:
    """The plan of a hybrid search.

    Attributes:
        lexical: The query of the lexical leg, as in the body.
        filters: Filters of the vector leg.
        window: Hits taken from each leg.
        num_candidates: Vectors considered on each shard.
        weights: Of the lexical and the vector leg.
        sort: None: by relevance.
        kept: Other parts of the body, which keep their meaning.
    """

    lexical: Clause | None
    vector_field: str
    filters: tuple[Clause, ...]
    window: int
    num_candidates: int
    weights: tuple[float, float]
    rerank: bool
    sort: Sequence[Any] | None
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchExplanation:
    """What the server would make of one search.

    Attributes:
        answered_by: `es-hybrid` or `Elasticsearch`.
        rules: Rule of `serve.rewrite` -> why it applies or does not, up to the one that fits.
        text: The shopper's text.
        problem: Why es-hybrid cannot answer a search that it should.
    """

    index: str
    answered_by: str = _THEIRS
    rules: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    plan: ExplainedPlan | None = None
    problem: str = ""


def explained(
    text: bytes, settings: Settings, client: Elasticsearch, headers: Headers
) -> list[SearchExplanation]:
    """What the server would make of a search, or of each search of an `_msearch`.

    Args:
        text: JSON, or the lines of an `_msearch`. Searches without an index are of `index.name`.
        client: Reads the mapping.
        headers: Of the request, names in lower case.

    Raises:
        InvalidRequest: it is neither.
        RerankError: the reranker cannot be opened.
        ElasticsearchError: the cluster cannot be reached.
    """
    index = settings.index.name
    searches = parse_search(text, index) or parse_msearch(text, index)
    if not searches:
        raise InvalidRequest(
            "this is neither the JSON of a search nor the lines of an _msearch",
            place="BODY",
            remedy="save the body of the request as the shop sends it",
        )
    reranker = open_reranker(settings.rerank)
    if reranker is not None:
        reranker.close()
    rules = [Rewrite(rule) for rule in settings.serve.rewrite]
    return [
        _explained(search, rules, settings, client, headers, reranks=reranker is not None)
        for search in searches
    ]


def _explained(
    search: MsearchItem,
    rules: Sequence[Rewrite],
    settings: Settings,
    client: Elasticsearch,
    headers: Headers,
    *,
    reranks: bool,
) -> SearchExplanation:
    if search.ours and not is_extended(search.body):
        return SearchExplanation(index=search.index, answered_by=_OURS)
    body, text = search.body, ""
    reasons: dict[str, str] = {}
    if not search.ours:
        reasons, fitting = _fitting(search, rules, headers)
        text = fitting.text if fitting else ""
        if fitting is None or fitting.outcome == "control":
            return SearchExplanation(index=search.index, rules=reasons, text=text)
        body = fitting.body
    context = Context(index=search.index, settings=settings, reranks=reranks)
    try:
        extension, plan, _ = _run(own_plan(body, context, {}), client)
        made = _shown(plan(extension), body)
    except EsHybridError as error:
        by = _OURS if search.ours else _THEIRS
        return SearchExplanation(
            index=search.index, answered_by=by, rules=reasons, text=text, problem=str(error)
        )
    return SearchExplanation(
        index=search.index, answered_by=_OURS, rules=reasons, text=extension.text, plan=made
    )


def _fitting(
    search: MsearchItem, rules: Sequence[Rewrite], headers: Headers
) -> tuple[dict[str, str], Fitting | None]:
    """Why each rule applies or does not, and the first that fits."""
    reasons: dict[str, str] = {}
    for rule in rules:
        if not rule.covers(search.index):
            reasons[rule.name] = "for other indices"
            continue
        fitting = rule.fitted(search.body, headers)
        if fitting is None:
            reasons[rule.name] = "the body does not have its form, or no text"
            continue
        by_outcome = {"rewritten": "fits", "control": "fits, but this search is not in its share"}
        reasons[rule.name] = by_outcome[fitting.outcome]
        return reasons, fitting
    return reasons, None


def _shown(plan: Plan, body: Mapping[str, Any]) -> ExplainedPlan:
    nodes = list(walk(plan.root))
    knn = next(node for node in nodes if isinstance(node, Knn))
    fusion = next(node for node in nodes if isinstance(node, Rrf))
    lexical, vector = (child.weight for child in fusion.children)
    return ExplainedPlan(
        lexical=body.get("query"),
        vector_field=knn.field,
        filters=vector_filters(plan.root),
        window=fusion.rank_window_size,
        num_candidates=knn.num_candidates,
        weights=(lexical, vector),
        rerank=any(isinstance(node, Rerank) for node in nodes),
        sort=plan.sort,
        kept=tuple(name for name in body if name not in _SHOWN),
    )


def _run(steps: Generator[Need, Any, T], client: Elasticsearch) -> T:
    """The result of a generator that only reads from Elasticsearch."""
    send = sender(client)
    with contextlib.closing(steps):
        try:
            need = next(steps)
            while True:
                assert isinstance(need, Call)
                need = steps.send(send(need, None))
        except StopIteration as end:
            result: T = end.value
            return result
