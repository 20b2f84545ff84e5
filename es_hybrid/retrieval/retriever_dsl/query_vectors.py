"""`knn` sections and queries of a body whose vector is built from a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.retrieval.retriever_dsl.places import objects, places
from es_hybrid.retrieval.retriever_dsl.vector_builders import is_text, text_of

_Change = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]

# One of several of these may find nothing, and the others are still what was asked for.
_ALTERNATIVES = ("should", "queries", "retrievers")
# What finds nothing here changes which hits are left, or what they score.
_NEVER_EMPTY = ("must_not", "negative", "functions")


class Indispensable(Exception):
    """The search means nothing without a `knn` that has no vector."""


def query_texts(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The texts to embed for `knn` sections and queries, each with its field.

    Raises:
        RequestRefused: a builder is malformed.
    """
    found = []
    for knn in _to_build(body):
        text = text_of("knn", knn["query_vector_builder"])
        if text is not None:
            found.append((text, str(knn.get("field"))))
    return found


def has_query_texts(body: Mapping[str, Any]) -> bool:
    """Whether a body has such texts, valid or not."""
    return next(_to_build(body), None) is not None


def with_query_vectors(
    body: Mapping[str, Any], vectors: Mapping[str, Sequence[float] | None]
) -> Mapping[str, Any]:
    """The body with the vector of each text.

    A text without one (None) is left out where others find hits too.

    Raises:
        Indispensable: it cannot be left out.
    """

    def changed(knn: Mapping[str, Any]) -> Mapping[str, Any] | None:
        text = text_of("knn", knn["query_vector_builder"])
        vector = vectors[text] if text is not None else None
        if vector is None:
            return None
        kept = {name: value for name, value in knn.items() if name != "query_vector_builder"}
        return {**kept, "query_vector": vector}

    sections = body.get("knn")
    others = {name: value for name, value in body.items() if name != "knn"}
    rest: Mapping[str, Any] = _rewritten(others, "body", changed, spare=False)
    if not isinstance(sections, Mapping | list):
        return {**rest, "knn": sections} if "knn" in body else rest
    listed = [sections] if isinstance(sections, Mapping) else sections
    spare = "query" in body or len(listed) > 1
    kept = [each for each in (_section(part, changed, spare) for part in listed) if each]
    if not kept and "query" not in body:
        raise Indispensable
    return {**rest, "knn": kept} if kept else rest


def _section(value: Any, change: _Change, spare: bool) -> Any:
    """A section; None if it is left out."""
    section = _rewritten(value, "knn", change, spare=False)
    if not _builds(section):
        return section
    built = change(section)
    if built is None and not spare:
        raise Indispensable
    return built


def _rewritten(value: Any, kind: str, change: _Change, *, spare: bool) -> Any:
    """The value with every `knn` query of it changed; the same object if there is none.

    Args:
        kind: See `places`.
        spare: Whether a query that finds nothing can take its place.
    """
    if isinstance(value, list):
        if kind == "queries":
            kind = "query"
        parts = [_rewritten(each, kind, change, spare=spare) for each in value]
        return parts if any(a is not b for a, b in zip(parts, value, strict=True)) else value
    if not isinstance(value, Mapping):
        return value
    changed = dict(value)
    for name, part, below in places(value, kind):
        changed[name] = _rewritten(part, below, change, spare=_spare(name, part, spare))
    if kind == "query" and _builds(changed.get("knn")):
        built = change(changed["knn"])
        if built is None and not spare:
            raise Indispensable
        return {"match_none": {}} if built is None else {**changed, "knn": built}
    return changed if any(changed[name] is not value[name] for name in value) else value


def _spare(name: str, part: Any, spare: bool) -> bool:
    if name in _NEVER_EMPTY:
        return False
    return spare or (name in _ALTERNATIVES and isinstance(part, list) and len(part) > 1)


def _to_build(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The content of every `knn` section and query with a text."""
    return (value for value, kind in objects(body) if kind == "knn" and _builds(value))


def _builds(value: Any) -> bool:
    return isinstance(value, Mapping) and is_text(value.get("query_vector_builder"))
