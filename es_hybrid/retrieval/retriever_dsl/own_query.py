"""A complete search body with `ext.es_hybrid`: its query becomes the lexical leaf, unchanged.

    {"query": …, "aggs": …, "ext": {"es_hybrid": {"text": "red kettle"}}}

Only the filters are read from the query: the vector leaf must obey them too, or facets would count
products that the shop never shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from es_hybrid.cleaning import clean_query
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.reranked_text import reader
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
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from es_hybrid.retrieval.request import MAX_WINDOW
from es_hybrid.retrieval.retriever_dsl import parameters
from es_hybrid.retrieval.retriever_dsl.body import page_of
from es_hybrid.retrieval.retriever_dsl.inherited import inherited_filters
from es_hybrid.retrieval.retriever_dsl.objects import Fields, truth
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, inside, invalid, refused, token
from es_hybrid.settings import RerankSettings, SearchSettings

KIND = "es_hybrid"
_KNOWN = (
    "text", "vector_field", "window", "rerank", "rank_constant", "weights", "num_candidates",
    "filter", "searched", "cutoff", "understand",
)  # fmt: skip
_LEXICAL = ("query", "min_score", "rescore")
# Options without a meaning next to a vector leaf.
_REFUSED = ("knn", "retriever", "search_after", "slice", "terminate_after", "rank")

_UNREADABLE = "the index has no passport that says what its vectors were made from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """`ext.es_hybrid`.

    Attributes:
        text: The shopper's words, cleaned like the texts of products, for the vector leaf and the
            reranker.
        vector_field: Vector field to search; None: the passport's.
        window: Number of hits taken from each leaf.
        rerank: Whether to rerank; None: if a reranker is configured.
        rerank_field: Field that the reranker reads; None: the text that was embedded.
        weights: Weights of the lexical and the vector leaf.
        filters: Filters of the vector leaf; None: those of the query.
        searched: Texts of the query that are searched for, also inside `filter`.
        cutoff: See `Plan`.
        understand: Whether the text is read as that of a shop's search: corrected, with synonyms
            and conditions.
    """

    text: str
    vector_field: str | None
    window: int
    rerank: bool | None
    rerank_field: str | None
    rank_constant: int
    weights: tuple[float, float]
    num_candidates: int
    filters: tuple[Clause, ...] | None
    searched: tuple[str, ...]
    cutoff: float | None
    understand: bool


def parse_extension(value: Any, settings: SearchSettings) -> Extension:
    """Parse `ext.es_hybrid`; omitted parameters take their value from the settings.

    Raises:
        RequestRefused: naming the parameter.
    """
    if not isinstance(value, Mapping):
        reason = f"[ext] es_hybrid doesn't support values of type: {token(value)}"
        raise refused(reason, type=X_CONTENT)
    fields = Fields(KIND, value, _KNOWN)
    fields.required("text")
    text = clean_query(fields.text("text") or "")
    if not text:
        raise refused("[es_hybrid] [text] cannot be empty")
    window = _within(fields, "window", settings.window)
    rerank, field = _rerank(fields)
    return Extension(
        text=text,
        vector_field=fields.string("vector_field"),
        window=window,
        rerank=rerank,
        rerank_field=field,
        rank_constant=_within(fields, "rank_constant", settings.rank_constant),
        weights=_weights(fields, settings),
        num_candidates=_within(fields, "num_candidates", settings.num_candidates),
        filters=None if "filter" not in fields else tuple(fields.mappings("filter") or ()),
        searched=tuple(fields.strings("searched") or ()),
        cutoff=_cutoff(fields),
        understand=truth(fields.raw("understand") or False),
    )


def own_query_plan(
    body: Mapping[str, Any],
    extension: Extension,
    *,
    vector_field: str,
    passport: Passport | None,
    dims: Mapping[str, int],
    types: FieldTypes,
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
    group = _collapsed(body)
    least = page.size if group else page.from_ + page.size
    window = extension.window if of_candidates else max(extension.window, least)
    documents = MAX_WINDOW if group else window
    root: Node = Rrf(
        children=(
            Child(_lexical(body), extension.weights[0]),
            Child(_vector(body, extension, vector_field, types, window), extension.weights[1]),
        ),
        rank_constant=extension.rank_constant,
        rank_window_size=documents,
    )
    notes: tuple[str, ...] = ()
    # A sorted page does not show the reranker's order.
    if sort is None and (reranks if extension.rerank is None else extension.rerank):
        root, notes = _reranked(root, extension, passport, rerank)
    if group:
        root = Groups(
            label="groups", child=root, field=group, window=window, rank_window_size=documents
        )
    return replace(
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


def _rerank(fields: Fields) -> tuple[bool | None, str | None]:
    """Whether to rerank, and the field that the reranker reads."""
    value = fields.raw("rerank")
    if isinstance(value, Mapping):
        with inside(KIND, "rerank"):
            inner = Fields("rerank", value, ("field",))
            inner.required("field")
            return True, inner.string("field")
    return (None if value is None else truth(value)), None


def _weights(fields: Fields, settings: SearchSettings) -> tuple[float, float]:
    """`{"lexical": 1, "vector": 0.7}`, either of them."""
    value = fields.mapping("weights")
    if value is None:
        return settings.bm25_weight, settings.knn_weight
    with inside(KIND, "weights"):
        inner = Fields("weights", value, ("lexical", "vector"))
        given = (inner.number("lexical"), inner.number("vector"))
        if any(weight is not None and weight < 0 for weight in given):
            raise refused("[weight] must be non-negative")
    lexical, vector = given
    return (
        settings.bm25_weight if lexical is None else lexical,
        settings.knn_weight if vector is None else vector,
    )


def _within(fields: Fields, name: str, default: int) -> int:
    value = fields.integer(name)
    if value is None:
        return default
    if not 1 <= value <= MAX_WINDOW:
        raise refused(f"[es_hybrid] [{name}] must be in [1, {MAX_WINDOW}], found [{value}]")
    return value


def _cutoff(fields: Fields) -> float | None:
    value = fields.number("cutoff")
    if value is not None and not 0 <= value <= 1:
        raise refused(f"[es_hybrid] [cutoff] must be in [0, 1], found [{value}]")
    return value
