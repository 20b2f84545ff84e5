"""Parameters that several retrievers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from es_hybrid.retrieval.plan import Normalizer
from es_hybrid.retrieval.retriever_dsl.objects import Fields, whole
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, refused, token

# Parameters of every retriever.
BASE = ("filter", "min_score", "_name")
_NORMALIZERS: tuple[str, ...] = get_args(Normalizer)


def base(fields: Fields) -> dict[str, Any]:
    """The parameters of every retriever, as arguments of its node."""
    return {
        "filters": tuple(fields.mappings("filter") or ()),
        "min_score": fields.number("min_score"),
        "name": fields.string("_name"),
    }


def weight(fields: Fields) -> float:
    """The weight of a child."""
    given = fields.number("weight")
    if given is not None and given < 0:
        raise refused("[weight] must be non-negative")
    return 1.0 if given is None else given


def normalizer(fields: Fields) -> Normalizer | None:
    """The normalizer; None if there is none."""
    name = fields.string("normalizer")
    if name is None:
        return None
    if name.lower() not in _NORMALIZERS:
        raise refused(f"Unknown normalizer [{name}]")
    return cast(Normalizer, name.lower())


def sort(fields: Fields) -> Sequence[Any] | None:
    """The sort of a leaf."""
    given = fields.raw("sort")
    if given is None and "sort" not in fields:
        return None
    if token(given) not in ("START_ARRAY", "START_OBJECT"):
        reason = f"[{fields.kind}] sort doesn't support values of type: {token(given)}"
        raise refused(reason, type=X_CONTENT)
    return [given] if isinstance(given, Mapping) else list(given)


def rescore(fields: Fields) -> list[Mapping[str, Any]] | None:
    """Rescorers, with their windows as numbers."""
    given = fields.mappings("rescore")
    return None if given is None else [_windowed(each) for each in given]


def _windowed(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    return (
        {**stage, "window_size": whole(stage["window_size"])} if "window_size" in stage else stage
    )


def document(value: Mapping[str, Any]) -> tuple[str | None, str]:
    """A pinned document: (index, id)."""
    fields = Fields("specified_document", value, ("_index", "_id"))
    fields.required("_id")
    return fields.string("_index"), cast(str, fields.string("_id"))
