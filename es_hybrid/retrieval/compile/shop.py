"""A shop's request as a plan. Pure; `retrieval.execute` runs what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from es_hybrid.errors import SettingsError
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.facets import GROUPS, facet_aggregations, group_aggregation
from es_hybrid.retrieval.compile.filters import filter_clauses
from es_hybrid.retrieval.compile.lexical import ANY_WORD, IDENTIFIER, field_groups, lexical_query
from es_hybrid.retrieval.plan import Child, Knn, Node, Pinned, Plan, Rerank, Rrf, Standard
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.reranked_text import reader
from es_hybrid.settings import Settings

Words = partial[dict[str, Any]]


def shop_plan(
    request: SearchRequest, *, index: str, passport: Passport, settings: Settings, reranks: bool
) -> Plan:
    """The plan of one search: both legs, fused, the best reranked, pinned ids on top.

    Args:
        passport: Of the index.
        reranks: Whether there is a reranker to ask.
    """
    window = _window(request, settings)
    words = _words(request, passport, settings)
    root = _fused(request, passport, settings, window, words)
    # A sorted page shows no order of the reranker's, so it is not asked for one.
    if reranks and request.rerank and not request.sort:
        root = Rerank(
            label="rerank",
            child=root,
            text=request.words,
            document=reader(passport),
            rank_window_size=settings.rerank.window,
            instruction=settings.rerank.instruction_for(),
            keep_rest=True,
            interpolated=True,
        )
    if request.pinned:
        root = Pinned(
            label="pinned",
            child=root,
            documents=tuple((None, id_) for id_ in request.pinned),
            filtered=True,
            rank_window_size=window,
        )
    return Plan(
        root=replace(root, filters=tuple(filter_clauses(request.filters))),
        index=index,
        from_=request.first,
        size=request.size,
        aggs=_aggregations(request) or None,
        selected=_all_of(filter_clauses(request.selected)),
        # What the sort leaves equal stands by relevance.
        sort=[*map(_sort_clause, request.sort), "_score"] if request.sort else None,
        collapse={"field": request.collapse} if request.collapse else None,
        cutoff=_cutoff(request, settings),
        track_total_hits=True,
        explain=request.explain,
        fetch=_fetch(request, passport, words),
        first=IDENTIFIER if request.mode != "knn" else None,
        degrade=request.mode != "knn",
    )


def _aggregations(request: SearchRequest) -> dict[str, Any]:
    aggregations = facet_aggregations(request.facets, request.selected)
    if request.collapse:
        aggregations[GROUPS] = group_aggregation(request.collapse, request.selected)
    return aggregations


def _cutoff(request: SearchRequest, settings: Settings) -> float | None:
    """The least share of the best score; None where every match counts and not the candidates."""
    if request.cutoff is not None:
        return request.cutoff
    if request.sort:
        # Each vector has neighbours, however far; sorted by price, the far ones would come first.
        return settings.search.sort_cutoff
    # Groups are made of the candidates, so that no page of them has holes.
    return 0.0 if request.collapse else None


def _window(request: SearchRequest, settings: Settings) -> int:
    """Hits of each leg: those of the settings, or as many as the page is deep.

    The candidates of a sorted, grouped or cut search are the same on every page.
    """
    window = settings.search.window
    return window if request.of_candidates else max(window, request.first + request.size)


def _words(request: SearchRequest, passport: Passport, settings: Settings) -> Words:
    """The lexical query, less how many of the words a product must hold."""
    chosen, shop = settings.search, passport.shop
    identifiers: Sequence[str] = chosen.identifier_fields
    if shop is None:
        groups = field_groups(chosen.fields, passport.languages)
    else:
        groups = shop.word_groups(chosen.fields)
        identifiers = shop.identifiers(identifiers)
    if not groups:
        raise SettingsError(
            "none of them is a text field of this index",
            place="search.fields = " + ", ".join(chosen.fields),
            remedy="name one that is; `es-hybrid index plan` lists them",
        )
    return partial(
        lexical_query,
        request.words,
        field_groups=groups,
        identifier_fields=identifiers,
        phrase_boost=chosen.phrase_boost,
        fuzziness=chosen.fuzziness,
    )


def _fused(
    request: SearchRequest, passport: Passport, settings: Settings, window: int, words: Words
) -> Node:
    chosen = settings.search
    any_word = words(minimum_should_match=ANY_WORD)
    if request.mode == "bm25":
        return Standard(label="bm25", query=any_word)
    nearest = Knn(
        label="knn",
        field=passport.vector_field,
        text=request.words,
        k=window,
        num_candidates=max(chosen.num_candidates, window),
    )
    if request.mode == "knn":
        return nearest
    # Beside the vector leg the lexical one is there for precision: a product that shares "for"
    # with a long question would take rank points from a good one.
    most_words = words(minimum_should_match=chosen.minimum_should_match)
    return Rrf(
        label="rrf",
        children=(
            Child(Standard(label="bm25", query=most_words, alone=any_word), chosen.bm25_weight),
            Child(nearest, chosen.knn_weight),
        ),
        rank_constant=chosen.rank_constant,
        rank_window_size=window,
    )


def _all_of(clauses: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"bool": {"filter": clauses}} if clauses else None


def _sort_clause(order: str) -> dict[str, Any]:
    """`price`, `price:asc` or `price:desc`, as in the query string of Elasticsearch."""
    name, _, direction = order.partition(":")
    if not name or direction not in ("", "asc", "desc"):
        raise SettingsError(
            f"cannot read the order {order!r}",
            place="sort",
            remedy="write it as price, price:asc or price:desc",
        )
    return {name: {"order": direction or "asc"}}


def _fetch(request: SearchRequest, passport: Passport, words: Words) -> dict[str, Any]:
    fetch: dict[str, Any] = {"_source": {"excludes": [passport.vector_field, passport.hash_field]}}
    if request.highlight:
        fetch["highlight"] = {
            # What comes back is put into a page as it stands: the product's own text is escaped.
            "encoder": "html",
            # The leg asks for title.en and brand.text; the shop, for title and brand.
            "require_field_match": False,
            # A hit of the vector leg may hold some of the words. Beside a phrase the highlighter
            # would see no other words.
            "highlight_query": words(minimum_should_match=ANY_WORD, phrase_boost=0.0),
            "fields": {name: {} for name in request.highlight},
        }
    return fetch
