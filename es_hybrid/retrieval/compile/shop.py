"""A shop's request compiled into a plan. Pure; `retrieval.engine` runs the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from es_hybrid.errors import InvalidRequest, SettingsError
from es_hybrid.filters import Filters, filter_clauses
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.conditions import (
    condition_clauses,
    nearest_clauses,
    preferred,
)
from es_hybrid.retrieval.compile.facets import GROUPS, facet_aggregations, group_aggregation
from es_hybrid.retrieval.compile.lexical import (
    ANY_WORD,
    IDENTIFIER,
    RESPELLED,
    groups_in,
    lexical_query,
)
from es_hybrid.retrieval.compile.reranked_text import reader
from es_hybrid.retrieval.compile.signals import with_signals
from es_hybrid.retrieval.nodes import (
    Child,
    Clause,
    Groups,
    Knn,
    Node,
    Pinned,
    Rerank,
    Rrf,
    Spread,
    Standard,
)
from es_hybrid.retrieval.plan import Display, Plan
from es_hybrid.retrieval.request import MAX_WINDOW, Mode, SearchRequest
from es_hybrid.settings import RerankSettings, Settings
from es_hybrid.settings.search import SearchSettings
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.meaning import Meaning
from es_hybrid.understanding.value_classes import NO_CLASSES, ValueClasses


def shop_plan(
    request: SearchRequest,
    meant: Meaning,
    index: str,
    passport: Passport,
    settings: Settings,
    reranks: bool,
    patterns: bool = True,
    required: Sequence[Clause] = (),
    classes: ValueClasses = NO_CLASSES,
) -> Plan:
    """The plan of one search: both legs fused, the best hits reranked, pinned ids on top.

    Args:
        meant: What its text means.
        index: Index or alias.
        passport: Passport of the index.
        reranks: Whether a reranker is configured.
        patterns: Whether terms may be searched by their beginning or by regular expressions;
            otherwise exclusions do not apply, and trade numbers are found as stored.
        required: Further clauses that every hit must match.
        classes: Facet values that are counted as one.

    Raises:
        InvalidRequest: a filter, facet or sort cannot be read.
        SettingsError: `search.fields` names no text field of the index.
    """
    text, first, of_candidates = meant.words, request.first, request.of_candidates
    # The candidates of a sorted or cut search, and the groups, are the same on every page.
    least = request.size if request.group_field else first + request.size
    window = settings.search.window
    window = window if of_candidates else max(window, least)
    documents = MAX_WINDOW if request.group_field else window
    conditions = [each for each in meant.conditions if patterns or not each.excluded]
    words = _lexical(meant, conditions, passport, settings, patterns)
    nearest = Knn(
        label="knn",
        field=passport.vector_field,
        text=text,
        k=window,
        num_candidates=max(settings.search.num_candidates, window),
        filters=tuple(nearest_clauses(conditions, passport)),
    )
    root = _fused(nearest, request.mode, settings.search, words, documents)
    # A sorted page shows neither the order of the signals nor the reranker's.
    if not request.sort:
        signals = settings.search.signals if request.signals is None else request.signals
        # All variants of the groups in the window move, or none but those of the first would.
        moved = documents if request.group_field else settings.search.window
        root = with_signals(root, signals, settings.search, moved)
    if reranks and request.rerank and not request.sort:
        root = _reranked(root, text, passport, settings.rerank)
    if request.pinned:
        root = pinned_on_top(root, request.pinned, documents)
    if request.group_field:
        root = Groups(
            label="groups",
            child=root,
            field=request.group_field,
            window=window,
            alone=True,
            rank_window_size=documents,
        )
    root, notes = _spread(root, request, passport, settings.search)
    filters = (*_clauses(request.filters), *condition_clauses(conditions, passport), *required)
    return Plan(
        # A vector leg alone is the root, and has filters of its own.
        root=replace(root, filters=(*filters, *root.filters)),
        index=index,
        from_=first,
        size=request.size,
        aggs=_aggregations(request, classes) or None,
        selected=_all_of(_clauses(request.selected)),
        # Ties are ordered by relevance.
        sort=[*map(_sort_clause, request.sort), "_score"] if request.sort else None,
        of_candidates=of_candidates,
        cutoff=_cutoff(request, settings),
        display=display_in(request.display_lang, passport) if request.display_lang else None,
        track_total_hits=True,
        explain=request.explain,
        fetch=_fetch(request, passport, words),
        first=(IDENTIFIER, RESPELLED) if request.mode != "knn" else (),
        degrade=request.mode != "knn",
        passports=(passport,),
        notes=notes,
    )


def _spread(
    root: Node, request: SearchRequest, passport: Passport, settings: SearchSettings
) -> tuple[Node, tuple[str, ...]]:
    """The tree with its hits spread as asked; of a sorted search, the tree and a note."""
    limits = settings.limit_per if request.limit_per is None else request.limit_per
    diversity = settings.diversity if request.diversity is None else request.diversity
    if not (limits or diversity):
        return root, ()
    if request.sort:
        return root, ("limit_per and diversity: a sorted search keeps its order",)
    spread = Spread(
        label="spread",
        child=root,
        limits=limits,
        page_size=request.size,
        diversity=diversity,
        field=passport.vector_field if diversity else None,
        rank_window_size=settings.window,
    )
    return spread, ()


def _reranked(root: Node, text: str, passport: Passport, settings: RerankSettings) -> Node:
    return Rerank(
        label="rerank",
        child=root,
        text=text,
        document=reader(passport),
        rank_window_size=settings.window,
        instruction=settings.instruction_for(),
        keep_rest=True,
        interpolated=True,
    )


def pinned_on_top(root: Node, ids: Sequence[str], window: int) -> Pinned:
    """The tree under these products, as far as they pass its filters."""
    return Pinned(
        label="pinned",
        child=root,
        documents=tuple((None, id_) for id_ in ids),
        filtered=True,
        rank_window_size=window,
    )


def _aggregations(request: SearchRequest, classes: ValueClasses) -> dict[str, Any]:
    counted = request.group_field if request.facets_by == "group" else None
    aggregations = facet_aggregations(request.facets, request.selected, counted, classes)
    if request.group_field:
        aggregations[GROUPS] = group_aggregation(request.group_field, _clauses(request.selected))
    return aggregations


def display_in(languages: Sequence[str], passport: Passport | None) -> Display:
    """How to show hits in these languages, best first."""
    shop = None if passport is None else passport.shop
    known = {} if shop is None else dict(shop.fields) | dict(shop.keywords)
    return Display(tuple(languages), known.get("lang", "lang"))


def _cutoff(request: SearchRequest, settings: Settings) -> float | None:
    """Minimum share of the best score; None if every match counts and not only the candidates."""
    if request.cutoff is not None:
        return request.cutoff
    if request.sort:
        # Every vector has neighbours; sorted by price, distant ones could come first.
        return settings.search.sort_cutoff
    return None


def word_groups(passport: Passport, search: SearchSettings) -> list[list[str]]:
    """The fields of the lexical leg, grouped by analyzer.

    Raises:
        SettingsError: `search.fields` names no text field of the index.
    """
    groups = groups_in(search.fields, passport)
    if not groups:
        raise SettingsError(
            "none of these is a text field of this index",
            place="search.fields = " + ", ".join(search.fields),
            remedy="set it to text fields; `es-hybrid index plan` lists them",
        )
    return groups


def _lexical(
    meant: Meaning,
    conditions: Sequence[Condition],
    passport: Passport,
    settings: Settings,
    patterns: bool,
) -> partial[dict[str, Any]]:
    """The lexical query; `minimum_should_match` is still open."""
    chosen, shop = settings.search, passport.shop
    identifiers: Sequence[str] = chosen.identifier_fields
    gtins: Sequence[str] = ["gtin"]
    if shop is not None:
        identifiers, gtins = shop.identifiers(identifiers), shop.identifiers(gtins)
    return partial(
        lexical_query,
        meant.words,
        forms=meant.forms,
        typed=meant.typed,
        field_groups=word_groups(passport, chosen),
        identifier_fields=identifiers,
        gtin_fields=gtins,
        patterns=patterns,
        phrase_boost=chosen.phrase_boost,
        preferred=list(preferred(conditions, passport)),
    )


def _fused(
    nearest: Knn,
    mode: Mode,
    chosen: SearchSettings,
    words: partial[dict[str, Any]],
    documents: int,
) -> Node:
    any_word = words(minimum_should_match=ANY_WORD)
    if mode == "bm25":
        return Standard(label="bm25", query=any_word)
    if mode == "knn":
        return nearest
    # Next to the vector leg, the lexical leg provides precision: a product that shares only "for"
    # with a long question would take rank points from a good one.
    most_words = words(minimum_should_match=chosen.minimum_should_match)
    return Rrf(
        label="rrf",
        children=(
            Child(Standard(label="bm25", query=most_words, alone=any_word), chosen.bm25_weight),
            Child(nearest, chosen.knn_weight),
        ),
        rank_constant=chosen.rank_constant,
        rank_window_size=documents,
    )


def _clauses(filters: Filters) -> list[dict[str, Any]]:
    return filter_clauses(filters) if filters else []


def _all_of(clauses: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"bool": {"filter": clauses}} if clauses else None


def _sort_clause(order: str) -> dict[str, Any]:
    """`price`, `price:asc` or `price:desc`, as in the query string of Elasticsearch."""
    name, _, direction = order.partition(":")
    if not name or direction not in ("", "asc", "desc"):
        raise InvalidRequest(
            f"cannot read the order {order!r}",
            place="sort",
            remedy="write it as price, price:asc or price:desc",
        )
    return {name: {"order": direction or "asc"}}


def _fetch(
    request: SearchRequest, passport: Passport, words: partial[dict[str, Any]]
) -> dict[str, Any]:
    fetch: dict[str, Any] = {"_source": {"excludes": [passport.vector_field, passport.hash_field]}}
    if request.highlight:
        fetch["highlight"] = {
            # Shops put the fragments into a page as they are: the product's own text is escaped.
            "encoder": "html",
            # The leg queries title.en and brand.text; the shop highlights title and brand.
            "require_field_match": False,
            # A hit of the vector leg may contain some of the words. Next to a phrase the
            # highlighter would ignore other words.
            "highlight_query": words(minimum_should_match=ANY_WORD, phrase_boost=0.0),
            "fields": {name: {} for name in request.highlight},
        }
    return fetch
