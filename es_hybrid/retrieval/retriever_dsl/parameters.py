"""Parameters that several retrievers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from es_hybrid.retrieval.nodes import Normalizer
from es_hybrid.retrieval.retriever_dsl.objects import Fields, whole
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, built, inside, refused, token

# Parameters of every retriever.
BASE = ("filter", "min_score", "_name")
_NORMALIZERS: tuple[str, ...] = get_args(Normalizer)


def base(fields: Fields, *, bounds: bool = True) -> dict[str, Any]:
    """The parameters of every retriever, as arguments of its node.

    Args:
        bounds: Whether `min_score` has an effect: Elasticsearch accepts it of every retriever, and
            ignores that of `rrf`, `pinned` and `rescorer`.
    """
    least = fields.number("min_score")
    return {
        "filters": tuple(fields.mappings("filter") or ()),
        "min_score": least if bounds else None,
        "name": fields.string("_name"),
    }


def weight(fields: Fields) -> float:
    """The weight of a child."""
    given = fields.number("weight")
    if given is not None and given < 0:
        found = f", found [{given}]" if fields.kind == "rrf" else ""
        raise refused(f"[weight] must be non-negative{found}")
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


def documents(fields: Fields) -> tuple[tuple[str | None, str], ...]:
    """The pinned documents: (index, id), from `ids` or `docs`."""
    ids, docs = fields.strings("ids"), fields.mappings("docs")
    with inside(fields.kind, "docs"):
        pairs = [_document(each) for each in docs or ()]
    with built(fields.kind):
        if ids is not None and docs is not None:
            raise refused("Both 'ids' and 'docs' cannot be specified at the same time")
        if not ids and not docs:
            raise refused(
                "Either 'ids' or 'docs' must be provided and non-empty for pinned retriever"
            )
    return tuple(pairs or ((None, id_) for id_ in ids or ()))


def _document(value: Mapping[str, Any]) -> tuple[str | None, str]:
    fields = Fields("item", value, ("_index", "_id"))
    fields.required("_id")
    index, id_ = fields.string("_index"), cast(str, fields.string("_id"))
    if index is not None and "*" in index:
        with built("item"):
            raise refused("Item index cannot contain wildcard expressions")
    return index, id_
