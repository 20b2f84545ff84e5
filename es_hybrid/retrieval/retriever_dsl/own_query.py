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
from es_hybrid.errors import InvalidRequest
from es_hybrid.index.passport import Passport
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
from es_hybrid.retrieval.request import MAX_SIGNALS, MAX_WINDOW, Mode
from es_hybrid.retrieval.retriever_dsl import parameters
from es_hybrid.retrieval.retriever_dsl.body import page_of
from es_hybrid.retrieval.retriever_dsl.inherited import inherited_filters
from es_hybrid.retrieval.retriever_dsl.objects import Fields, truth
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, inside, invalid, refused, token
from es_hybrid.settings import RerankSettings, SearchSettings
from es_hybrid.settings.signals import Signal, read_signals

KIND = "es_hybrid"
_KNOWN = (
    "text", "vector_field", "window", "rerank", "rank_constant", "weights", "num_candidates",
    "filter", "searched", "cutoff", "understand", "signals", "rules", "context", "limit_per",
    "diversity",
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
        signals: As in a shop's search.
        rules: Whether the merchandising rules apply.
        context: Facts about the caller for their criteria.
        pinned: Ids shown first, by rules.
        limit_per: Field -> most hits of one value on a page.
        diversity: 0 to 1; see `SearchRequest`.
        mode: Leaves to run; only a rule changes it.
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
    signals: tuple[Signal, ...]
    rules: bool
    context: Mapping[str, Any]
    limit_per: Mapping[str, int]
    diversity: float
    mode: Mode = "hybrid"
    pinned: tuple[str, ...] = ()


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
        cutoff=_share(fields, "cutoff"),
        understand=truth(fields.raw("understand") or False),
        signals=_signals(fields, settings),
        rules=truth(True if fields.raw("rules") is None else fields.raw("rules")),
        context=fields.mapping("context") or {},
        limit_per=_limits(fields, settings),
        diversity=_share(fields, "diversity", settings.diversity) or 0.0,
    )


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
    group = _collapsed(body)
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
            label="groups", child=root, field=group, window=window, rank_window_size=documents
        )
    if sort is None and page.size:
        root = _spread(root, extension, page.size, passport)
        if extension.diversity and passport is None:
            notes = (*notes, f"diversity: {_UNREADABLE}")
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


def _signals(fields: Fields, settings: SearchSettings) -> tuple[Signal, ...]:
    given = fields.mappings("signals")
    if given is None:
        return settings.signals
    if len(given) > MAX_SIGNALS:
        raise refused(f"[es_hybrid] [signals] must have at most [{MAX_SIGNALS}] entries")
    try:
        return read_signals(given)
    except InvalidRequest as error:
        raise refused(f"[es_hybrid] {error}") from None


def _share(fields: Fields, name: str, default: float | None = None) -> float | None:
    value = fields.number(name)
    if value is None:
        return default
    if not 0 <= value <= 1:
        raise refused(f"[es_hybrid] [{name}] must be in [0, 1], found [{value}]")
    return value


def _limits(fields: Fields, settings: SearchSettings) -> Mapping[str, int]:
    """`{"brand": 3}`."""
    value = fields.mapping("limit_per")
    if value is None:
        return settings.limit_per
    with inside(KIND, "limit_per"):
        inner = Fields("limit_per", value, tuple(value))
        limits = {name: inner.integer(name) for name in value}
        for name, most in limits.items():
            if most is None or most < 1:
                raise refused(f"[{name}] must be 1 or more, found [{value[name]}]")
    return {name: most for name, most in limits.items() if most}
