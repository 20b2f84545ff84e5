"""`ext.es_hybrid` of a search body, parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import InvalidRequest
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.request import MAX_LANGUAGES, MAX_SIGNALS, MAX_WINDOW, Mode
from es_hybrid.retrieval.retriever_dsl.objects import Fields, truth
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, inside, refused, token
from es_hybrid.settings import SearchSettings
from es_hybrid.settings.signals import Signal, read_signals

KIND = "es_hybrid"
_KNOWN = (
    "text", "vector_field", "window", "rerank", "rank_constant", "weights", "num_candidates",
    "filter", "searched", "cutoff", "understand", "signals", "rules", "context", "limit_per",
    "diversity", "display_lang",
)  # fmt: skip


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
        display_lang: Languages in which products are shown, best first; empty: as they matched.
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
    display_lang: tuple[str, ...]
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
        display_lang=_languages(fields),
    )


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


def _languages(fields: Fields) -> tuple[str, ...]:
    languages = tuple(fields.strings("display_lang") or ())
    if len(languages) > MAX_LANGUAGES:
        raise refused(f"[es_hybrid] [display_lang] must have at most [{MAX_LANGUAGES}] entries")
    return languages


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
