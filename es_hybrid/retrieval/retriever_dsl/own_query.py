"""A complete search body with `ext.es_hybrid`: its query becomes the lexical leaf, unchanged.

    {"query": …, "aggs": …, "ext": {"es_hybrid": {"text": "red kettle"}}}

Only the filters are read from the query: the vector leaf must obey them too, or facets would count
products that the shop never shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.records import GROUP_FIELD
from es_hybrid.retrieval.compile.reranked_text import reader
from es_hybrid.retrieval.compile.shop import pinned_on_top
from es_hybrid.retrieval.compile.signals import with_signals
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.field_types import FieldTypes
from es_hybrid.retrieval.nodes import (
    Child,
    Clause,
    Groups,
    Knn,
    Node,
    Rerank,
    Rescorer,
    Rrf,
    Spread,
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
    sort, ties = _sort(body)
    # The candidates of a sorted search, and the groups, are the same on every page.
    of_candidates = sort is not None or extension.cutoff is not None
    collapsed = _collapsed(body)
    group = collapsed or (GROUP_FIELD if extension.display_lang else None)
    least = page.size if group else page.from_ + page.size
    window = extension.window if of_candidates else max(extension.window, least)
    documents = MAX_WINDOW if group else window
    root = _fused(
        _lexical(body), _vector(body, extension, vector_field, types, window), extension, documents
    )
    notes: tuple[str, ...] = ()
    # A sorted page shows neither the order of the signals nor the reranker's.
    if sort is None:
        moved = documents if group else search.window
        root = with_signals(root, extension.signals, search, moved)
    if sort is None and (reranks if extension.rerank is None else extension.rerank):
        root, notes = _reranked(root, extension, passport, rerank)
    if extension.pinned:
        root = pinned_on_top(root, extension.pinned, documents)
    if group:
        root = Groups(
            label="groups",
            child=root,
            field=group,
            window=window,
            alone=collapsed is None,
            rank_window_size=documents,
        )
    if sort is None and page.size:
        root = _spread(root, extension, page.size, passport)
        if extension.diversity and passport is None:
            notes = (*notes, f"diversity: {_UNREADABLE}")
    plan = replace(
        page,
        root=root,
        notes=notes,
        of_candidates=of_candidates,
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
    if group and extension.display_lang:
        return with_display(plan, extension.display_lang, passport, group, body)
    return plan


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


def _reranked(
    root: Node, extension: Extension, passport: Passport | None, settings: RerankSettings
) -> tuple[Node, tuple[str, ...]]:
    """The tree under a reranker. Without a text that it could read, the tree and a note.

    Raises:
        RequestRefused: there is no such text although the body asks for the reranker.
    """
    field = extension.rerank_field
    if field is None and passport is None:
        if extension.rerank:
            raise refused(f"[es_hybrid] [rerank] needs a [field]: {_UNREADABLE}")
        return root, (
            f"rerank: {_UNREADABLE}; name a text with rerank.field, or set rerank: false",
        )
    reranked = Rerank(
        child=root,
        text=extension.text,
        field=field,
        document=None if field is not None or passport is None else reader(passport),
        rank_window_size=settings.window,
        keep_rest=True,
        interpolated=True,
        instruction=settings.instruction_for(),
        label="rerank",
    )
    return reranked, ()


def _spread(root: Node, extension: Extension, size: int, passport: Passport | None) -> Node:
    """The tree with its hits spread as asked. Without a passport, vectors may be no floats."""
    diversity = extension.diversity if passport else 0.0
    if not (extension.limit_per or diversity):
        return root
    return Spread(
        label="spread",
        child=root,
        limits=extension.limit_per,
        page_size=size,
        diversity=diversity,
        field=passport.vector_field if passport and diversity else None,
        rank_window_size=extension.window,
    )


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
