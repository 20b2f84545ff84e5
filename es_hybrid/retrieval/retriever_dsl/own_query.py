"""A complete search body with `ext.es_hybrid`: its query becomes the lexical leaf, unchanged.

    {"query": …, "aggs": …, "ext": {"es_hybrid": {"text": "red kettle"}}}

Only the filters are read from the query: the vector leaf must obey them too, or facets would count
products that the shop never shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.records import GROUP_FIELD
from es_hybrid.retrieval.compile.ordering import Ordering, reranker
from es_hybrid.retrieval.compile.reranked_text import reader
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.field_types import FieldTypes
from es_hybrid.retrieval.nodes import (
    Child,
    Clause,
    Knn,
    Node,
    Rerank,
    Rescorer,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.request import MAX_WINDOW
from es_hybrid.retrieval.retriever_dsl import parameters
from es_hybrid.retrieval.retriever_dsl.body import page_of
from es_hybrid.retrieval.retriever_dsl.display import with_display
from es_hybrid.retrieval.retriever_dsl.extension import Extension
from es_hybrid.retrieval.retriever_dsl.inherited import inherited_filters
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import invalid, refused
from es_hybrid.settings import RerankSettings, SearchSettings

_LEXICAL = ("query", "min_score", "rescore")
# Options without a meaning next to a vector leaf.
_REFUSED = ("knn", "retriever", "search_after", "slice", "terminate_after", "rank")

_UNREADABLE = "the index has no passport that says what its vectors were made from"


def own_query_plan(
    body: Mapping[str, Any],
    extension: Extension,
    *,
    vector_field: str,
    passport: Passport | None,
    dims: Mapping[str, int],
    types: FieldTypes,
    search: SearchSettings,
    rerank: RerankSettings,
    reranks: bool,
    index: str,
    params: Mapping[str, str],
    degrade: bool = True,
) -> Plan:
    """The plan of a body with `ext.es_hybrid`.

    Args:
        passport: Passport of the vector field, if it has one.
        dims: See `Plan`.
        types: Types of the fields that its query may search.
        reranks: Whether a reranker is configured.
        degrade: See `Plan`.

    Raises:
        RequestRefused: the body contains an option that cannot be combined with a vector leaf.
    """
    page = _page(body, index, params)
    sort, ties = _sort(body)
    over: Callable[[Node], Rerank] | None = None
    notes: tuple[str, ...] = ()
    if sort is None and (reranks if extension.rerank is None else extension.rerank):
        over, notes = _reranker(extension, passport, rerank)
    ordering = _ordering(
        extension, page, passport, over, collapsed=_collapsed(body), is_sorted=sort is not None
    )
    vector = _vector(body, extension, vector_field, types, ordering.window)
    root = ordering.over(_fused(_lexical(body), vector, extension, ordering.documents), search)
    if sort is None and page.size and extension.diversity and passport is None:
        notes = (*notes, f"diversity: {_UNREADABLE}")
    plan = replace(
        page,
        root=root,
        notes=notes,
        of_candidates=sort is not None or extension.cutoff is not None,
        sort=sort,
        ties=ties,
        cutoff=extension.cutoff,
        # In a plain body the page stays full under a `post_filter`; so it applies in each leaf.
        post_filter=None,
        selected=page.post_filter,
        settings={k: v for k, v in page.settings.items() if k != "min_score"},
        passports=() if passport is None else (passport,),
        dims=dims,
        degrade=degrade,
    )
    if extension.display_lang and ordering.group:
        return with_display(plan, extension.display_lang, passport, ordering.group, body)
    return plan


def _page(body: Mapping[str, Any], index: str, params: Mapping[str, str]) -> Plan:
    """The page options of the body.

    Raises:
        RequestRefused: one of them cannot be combined with a vector leaf.
    """
    if conflicts := [name for name in _REFUSED if name in body]:
        raise invalid([f"cannot specify [ext.es_hybrid] and [{name}]" for name in conflicts])
    if "scroll" in params:
        raise invalid(["cannot specify [ext.es_hybrid] and [scroll]"])
    page = page_of(body, Standard(), index=index, params=params)
    if page.from_ + page.size > MAX_WINDOW:
        raise refused(
            "Result window is too large, from + size must be less than or equal to: "
            f"[{MAX_WINDOW}] but was [{page.from_ + page.size}]"
        )
    return page


def _ordering(
    extension: Extension,
    page: Plan,
    passport: Passport | None,
    rerank: Callable[[Node], Rerank] | None,
    *,
    collapsed: str | None,
    is_sorted: bool,
) -> Ordering:
    group = collapsed or (GROUP_FIELD if extension.display_lang else None)
    # The candidates of a sorted or cut search, and the groups, are the same on every page.
    least = page.size if group else page.from_ + page.size
    of_candidates = is_sorted or extension.cutoff is not None
    return Ordering(
        window=extension.window if of_candidates else max(extension.window, least),
        sorted=is_sorted,
        signals=extension.signals,
        rerank=rerank,
        pinned=extension.pinned,
        group=group,
        alone=collapsed is None,
        limits=extension.limit_per,
        # Without a passport, vectors may be no floats.
        diversity=extension.diversity if passport else 0.0,
        vector_field=passport.vector_field if passport else None,
        page_size=page.size,
        spread=extension.window,
    )


def _fused(lexical: Node, vector: Knn, extension: Extension, window: int) -> Node:
    if extension.mode == "bm25":
        return lexical
    if extension.mode == "knn":
        return vector
    return Rrf(
        children=(Child(lexical, extension.weights[0]), Child(vector, extension.weights[1])),
        rank_constant=extension.rank_constant,
        rank_window_size=window,
    )


def _lexical(body: Mapping[str, Any]) -> Node:
    fields = Fields("search", {k: v for k, v in body.items() if k in _LEXICAL}, _LEXICAL)
    lexical = Standard(
        query=fields.mapping("query"), min_score=fields.number("min_score"), label="bm25"
    )
    rescore = parameters.rescore(fields)
    return Rescorer(child=lexical, rescore=rescore, label="bm25") if rescore else lexical


def vector_filters(root: Node) -> tuple[Clause, ...]:
    """The filters of the vector leaf in the tree of such a plan."""
    return tuple(
        clause
        for node in walk(root)
        if node is root or isinstance(node, Knn)
        for clause in node.filters
    )


def _vector(
    body: Mapping[str, Any], extension: Extension, field: str, types: FieldTypes, window: int
) -> Knn:
    filters = extension.filters
    if filters is None:
        fields = types.with_runtime(body.get("runtime_mappings") or ())
        filters = tuple(
            inherited_filters(
                body.get("query"), fields, text=extension.text, searched=extension.searched
            )
        )
    return Knn(
        field=field,
        text=extension.text,
        k=window,
        num_candidates=max(extension.num_candidates, window),
        filters=filters,
        label="knn",
    )


def _reranker(
    extension: Extension, passport: Passport | None, settings: RerankSettings
) -> tuple[Callable[[Node], Rerank] | None, tuple[str, ...]]:
    """Puts the reranker over a tree. Without a text that it could read, None and a note.

    Raises:
        RequestRefused: there is no such text although the body asks for the reranker.
    """
    field = extension.rerank_field
    if field is not None:
        return reranker(extension.text, settings, field=field), ()
    if passport is not None:
        return reranker(extension.text, settings, document=reader(passport)), ()
    if extension.rerank:
        raise refused(f"[es_hybrid] [rerank] needs a [field]: {_UNREADABLE}")
    return None, (f"rerank: {_UNREADABLE}; name a text with rerank.field, or set rerank: false",)


def _sort(body: Mapping[str, Any]) -> tuple[list[Any] | None, list[Any]]:
    """The sort of the body, or None and the keys after the score if it starts with relevance."""
    given = body.get("sort") or []
    keys = list(given) if isinstance(given, list | tuple) else [given]
    if keys and isinstance(keys[0], Mapping):  # one object may have several keys
        keys[:1] = [{name: order} for name, order in keys[0].items()]
    if not keys or keys[0] in ("_score", {"_score": "desc"}, {"_score": {"order": "desc"}}):
        return None, keys[1:]
    return keys, []


def _collapsed(body: Mapping[str, Any]) -> str | None:
    """The field to collapse by; of a malformed body None, which Elasticsearch refuses."""
    collapse = body.get("collapse")
    field = collapse.get("field") if isinstance(collapse, Mapping) else None
    return field if isinstance(field, str) else None
