"""The short form of `rrf` and `linear`: `query` and `fields` in place of `retrievers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.retrieval.nodes import (
    Child,
    Linear,
    Normalizer,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.retriever_dsl.objects import Fields, number
from es_hybrid.retrieval.retriever_dsl.refusals import refused

_WRITTEN = ("query", "fields", "normalizer")


def written(fields: Fields) -> Mapping[str, Any] | None:
    """The short form as written; None if it is not used."""
    if not ("query" in fields or "fields" in fields):
        return None
    given = {name: fields.raw(name) for name in _WRITTEN if name in fields}
    return {**given, "fields": fields.strings("fields")} if "fields" in fields else given


def meant(fields: Fields, normalizer: Normalizer = "none") -> list[Child]:
    """The retrievers that the short form expands to.

    Elasticsearch searches all lexical fields, each with its weight, with one `multi_match` of type
    `most_fields`, and each `semantic_text` field separately. The latter need the inference API,
    which is not Basic; here every field is lexical.
    """
    text = fields.string("query")
    names = fields.strings("fields") or []
    if not text:
        return []
    match = {"query": text, "type": "most_fields", **({"fields": names} if names else {})}
    return [Child(Standard(query={"multi_match": match}), normalizer=normalizer)]


def problems(node: Rrf | Linear) -> list[str]:
    """Contradictions between `retrievers`, `query`, `fields` and `normalizer`."""
    kind, short = node.kind, node.short
    if short is None:
        return [] if node.children else [f"[{kind}] must provide [retrievers] or [query]"]
    if short.get("query") is None:
        return [f"[{kind}] [query] must be provided when [fields] is specified"]
    found = [f"[{kind}] [{name}] cannot be empty" for name in ("query", "fields")
             if short.get(name) in ("", [])]  # fmt: skip
    if len(node.children) > bool(short["query"]):
        found.append(f"[{kind}] cannot combine [retrievers] and [query]")
    if kind == "linear" and "normalizer" not in short:
        found.append("[linear] [normalizer] must be provided when [query] is specified")
    return found


def check_weights(node: Rrf | Linear) -> None:
    """Refuse fields with a negative weight.

    Raises:
        RequestRefused: a weight is negative, or not a number.
    """
    if any(_weight(name) < 0 for name in (node.short or {}).get("fields", ())):
        raise refused(f"[{node.kind}] per-field weights must be non-negative")


def _weight(name: str) -> float:
    _, caret, boost = name.partition("^")
    return number(boost) if caret else 1.0
