"""Retriever trees, parsed into the nodes of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from es_hybrid.retrieval.nodes import (
    RANK_CONSTANT,
    RANK_WINDOW_SIZE,
    Child,
    Diversify,
    Foreign,
    Knn,
    Linear,
    Node,
    Normalizer,
    Pinned,
    RandomRerank,
    Rerank,
    Rescorer,
    Rrf,
    RuleRetriever,
    Standard,
)
from es_hybrid.retrieval.retriever_dsl import parameters, reordering
from es_hybrid.retrieval.retriever_dsl.chunk_rescorer import chunk_rescorer
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import (
    NOT_FOUND,
    PARSING,
    X_CONTENT,
    as_parsing_error,
    built,
    inside,
    refused,
    suggestion,
)
from es_hybrid.retrieval.retriever_dsl.short_form import meant, written
from es_hybrid.retrieval.retriever_dsl.vector_builders import text_of

# Elasticsearch's own limit.
MAX_DEPTH = 16

_WINDOW = "rank_window_size"
_WEIGHTED = ("retriever", "weight")


def parse_retriever(value: Mapping[str, Any]) -> Node:
    """The tree of a body's `retriever`.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    if not value:
        raise refused("retriever malformed, empty clause found", type=PARSING)
    kind, content = next(iter(value.items()))
    if not isinstance(content, Mapping):
        raise refused(
            f"[{kind}] retriever malformed, no [START_OBJECT] after retriever name", type=PARSING
        )
    if kind not in PARSERS:
        cause = {"type": NOT_FOUND, "reason": f"unknown field [{kind}]"}
        hint = suggestion(kind, PARSERS)
        raise refused(f"unknown retriever [{kind}]{hint}", type=PARSING, cause=cause)
    node = PARSERS[kind](content, 1)
    if len(value) > 1:
        raise refused(
            f"[{kind}] malformed retriever, expected [END_OBJECT] but found [FIELD_NAME]",
            type=PARSING,
        )
    return node


def _standard(value: Mapping[str, Any], depth: int) -> Standard:
    known = ("query", "search_after", "terminate_after", "sort", "collapse", *parameters.BASE)
    fields = Fields("standard", value, known)
    return Standard(
        query=fields.mapping("query"),
        search_after=fields.raw("search_after"),
        terminate_after=fields.integer("terminate_after"),
        sort=parameters.sort(fields),
        collapse=fields.mapping("collapse"),
        **parameters.base(fields),
    )


def _knn(value: Mapping[str, Any], depth: int) -> Knn:
    passed = ("rescore_vector", "visit_percentage")
    known = (
        "field", "k", "num_candidates", "query_vector", "query_vector_builder", "similarity",
    )  # fmt: skip
    fields = Fields("knn", value, (*known, *passed, *parameters.BASE))
    field, k = fields.string("field"), fields.integer("k")
    fields.required("field", "k")
    vector, builder = fields.vector("query_vector"), fields.mapping("query_vector_builder")
    text = None if builder is None else text_of("knn", builder)
    if (vector is None) == (builder is None):
        words = "either [%s] or [%s]" if vector is None else "only one of [%s] and [%s]"
        with built("knn"):
            raise refused(words % ("query_vector", "query_vector_builder") + " must be provided")
    candidates = fields.integer("num_candidates")
    return Knn(
        field=cast(str, field),
        k=cast(int, k),
        # Elasticsearch's default, half a candidate rounded up.
        num_candidates=min(int(1.5 * cast(int, k) + 0.5), 10_000)
        if candidates is None
        else candidates,
        vector=vector,
        text=text,
        builder=builder if text is None else None,
        similarity=fields.number("similarity"),
        more={name: fields.raw(name) for name in passed if name in fields},
        **parameters.base(fields),
    )


def _rrf(value: Mapping[str, Any], depth: int) -> Rrf:
    known = ("retrievers", "fields", "query", _WINDOW, "rank_constant", *parameters.BASE)
    fields = Fields("rrf", value, known)
    components = _retrievers(fields, _rrf_component, depth)
    return Rrf(
        children=(*components, *meant(fields)),
        short=written(fields),
        rank_constant=_given(fields.integer("rank_constant"), RANK_CONSTANT),
        rank_window_size=_given(fields.integer(_WINDOW), RANK_WINDOW_SIZE),
        **parameters.base(fields, bounds=False),
    )


def _linear(value: Mapping[str, Any], depth: int) -> Linear:
    known = ("retrievers", "fields", "query", "normalizer", _WINDOW, *parameters.BASE)
    fields = Fields("linear", value, known)
    with built("linear"):
        normalizer = parameters.normalizer(fields)

    def component(part: Mapping[str, Any], below: int) -> Child:
        return _linear_component(part, below, normalizer)

    components = _retrievers(fields, component, depth)
    return Linear(
        children=(*components, *meant(fields, normalizer or "none")),
        short=written(fields),
        rank_window_size=_given(fields.integer(_WINDOW), RANK_WINDOW_SIZE),
        **parameters.base(fields),
    )


def _rerank(value: Mapping[str, Any], depth: int) -> Rerank:
    known = (
        "retriever", "inference_id", "inference_text", "field", _WINDOW, "allow_rerank_failures",
        "chunk_rescorer",
    )  # fmt: skip
    fields = Fields("text_similarity_reranker", value, (*known, *parameters.BASE))
    child, chunks = _child(fields, depth), fields.mapping("chunk_rescorer")
    text, field = fields.text("inference_text"), fields.string("field")
    fields.required("retriever", "inference_text", "field")
    return Rerank(
        child=cast(Node, child),
        text=cast(str, text),
        field=field,
        rank_window_size=_given(fields.integer(_WINDOW), RANK_WINDOW_SIZE),
        allow_failures=_given(fields.boolean("allow_rerank_failures"), False),
        inference_id=fields.string("inference_id"),
        chunks=None if chunks is None else chunk_rescorer(chunks),
        chunk_rescorer=chunks,
        **parameters.base(fields),
    )


def _pinned(value: Mapping[str, Any], depth: int) -> Pinned:
    with as_parsing_error():
        fields = Fields("pinned", value, ("ids", "docs", "retriever", _WINDOW, *parameters.BASE))
        child = _child(fields, depth, outer=PARSING)
        fields.required("retriever")
        documents = parameters.documents(fields)
        return Pinned(
            child=cast(Node, child),
            documents=documents,
            rank_window_size=_given(fields.integer(_WINDOW), RANK_WINDOW_SIZE),
            **parameters.base(fields, bounds=False),
        )


def _rule(value: Mapping[str, Any], depth: int) -> RuleRetriever:
    known = ("ruleset_ids", "match_criteria", "retriever", _WINDOW, *parameters.BASE)
    with as_parsing_error():
        fields = Fields("rule", value, known)
        rulesets, facts = fields.strings("ruleset_ids"), fields.mapping("match_criteria")
        child = _child(fields, depth)
        fields.required("ruleset_ids", "match_criteria", "retriever")
        return RuleRetriever(
            child=cast(Node, child),
            rulesets=tuple(rulesets or ()),
            facts=facts or {},
            rank_window_size=_given(fields.integer(_WINDOW), RANK_WINDOW_SIZE),
            **parameters.base(fields, bounds=False),
        )


def _rescorer(value: Mapping[str, Any], depth: int) -> Rescorer:
    with as_parsing_error():
        fields = Fields("rescorer", value, ("retriever", "rescore", *parameters.BASE))
        child, rescore = _child(fields, depth, outer=PARSING), parameters.rescore(fields)
        fields.required("retriever", "rescore")
        if not rescore:
            with inside("rescorer", "rescore"):
                raise refused("Missing rescore definition")
        return Rescorer(
            child=cast(Node, child), rescore=rescore, **parameters.base(fields, bounds=False)
        )


def _diversify(value: Mapping[str, Any], depth: int) -> Diversify:
    fields = Fields("diversify", value, reordering.DIVERSIFY)
    return reordering.diversify(fields, _child(fields, depth))


def _random_reranker(value: Mapping[str, Any], depth: int) -> RandomRerank:
    fields = Fields("random_reranker", value, reordering.RANDOM_RERANKER)
    return reordering.random_reranker(fields, _child(fields, depth))


def _foreign(kind: str, value: Mapping[str, Any]) -> Foreign:
    """A retriever inside another that the cluster is left to know."""
    fields = Fields(kind, value, tuple(value))
    content = {name: part for name, part in value.items() if name not in parameters.BASE}
    return Foreign(written_kind=kind, content=content, **parameters.base(fields))


PARSERS: Mapping[str, Callable[[Mapping[str, Any], int], Node]] = {
    "standard": _standard,
    "knn": _knn,
    "rrf": _rrf,
    "linear": _linear,
    "text_similarity_reranker": _rerank,
    "pinned": _pinned,
    "rule": _rule,
    "rescorer": _rescorer,
    "diversify": _diversify,
    "random_reranker": _random_reranker,
}


def _child(fields: Fields, depth: int, *, outer: str = X_CONTENT) -> Node | None:
    value = fields.mapping("retriever")
    if value is None:
        return None
    with inside(fields.kind, "retriever", outer=outer):
        child = _nested(value, depth)
    if len(value) > 1:
        raise refused("parser for [retriever] did not end on END_OBJECT", type=X_CONTENT)
    return child


def _nested(value: Mapping[str, Any], depth: int) -> Node:
    """A nested retriever; its error messages differ from those of the outermost one."""
    if depth >= MAX_DEPTH:
        raise refused(
            f"The nested depth of the [retriever] exceeds the maximum nested depth of "
            f"[{MAX_DEPTH}] for retrievers",
            type="retriever_nesting_depth_exceeded_exception",
        )
    kind, content = next(iter(value.items()), ("retriever", None))
    if kind not in PARSERS and not isinstance(content, Mapping):
        raise refused(f"unknown field [{kind}]", type=NOT_FOUND)
    if not isinstance(content, Mapping):
        reason = f"[{kind}] retriever malformed, no [START_OBJECT] after retriever name"
        raise refused(reason, type=PARSING)
    return PARSERS[kind](content, depth + 1) if kind in PARSERS else _foreign(kind, content)


def _retrievers(
    fields: Fields, component: Callable[[Mapping[str, Any], int], Child], depth: int
) -> list[Child]:
    children = []
    for part in fields.mappings("retrievers") or ():
        with inside(fields.kind, "retrievers"):
            children.append(component(part, depth))
    return children


def _rrf_component(value: Mapping[str, Any], depth: int) -> Child:
    """A bare retriever, or one with a weight, as the first field tells."""
    first, *others = value or ("retriever",)
    if first not in _WEIGHTED:
        child = _nested({first: value[first]}, depth)
        if others:
            raise refused(f"unknown field [{others[0]}] after retriever", type=PARSING)
        return Child(child)
    if unknown := [name for name in value if name not in _WEIGHTED]:
        expected = "expected [retriever] or [weight]"
        raise refused(f"unknown field [{unknown[0]}], {expected}", type=PARSING)
    if "retriever" not in value:
        raise refused("retriever component must contain a retriever", type=PARSING)
    if not isinstance(retriever := value["retriever"], Mapping):
        raise refused("retriever must be an object", type=PARSING)
    child = _nested(retriever, depth)
    return Child(child, weight=parameters.weight(Fields("rrf", value, _WEIGHTED)))


def _linear_component(value: Mapping[str, Any], depth: int, normalizer: Normalizer | None) -> Child:
    fields = Fields("retriever-component", value, ("retriever", "weight", "normalizer"))
    child = _child(fields, depth)
    fields.required("retriever")
    with built(fields.kind):
        weight, own = parameters.weight(fields), parameters.normalizer(fields)
    return Child(cast(Node, child), weight=weight, normalizer=own or normalizer or "none")


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value
