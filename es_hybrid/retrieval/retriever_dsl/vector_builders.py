"""`query_vector_builder`: the texts that are embedded here, told from what the cluster builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.retrieval.request import MAX_TEXT_CHARS
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import X_CONTENT, inside, refused, token


def is_text(builder: Any) -> bool:
    """Whether a builder, valid or not, is one with a text that is embedded here."""
    if not isinstance(builder, Mapping) or len(builder) != 1:
        return False
    return "text_embedding" in builder or _input_text(builder.get("embedding")) is not None


def text_of(kind: str, builder: Mapping[str, Any]) -> str | None:
    """The text to embed; None: the cluster builds the vector, or explains why it does not.

    Args:
        kind: Kind of the retriever or query with the builder.

    Raises:
        RequestRefused: as Elasticsearch refuses it, or the text is too long.
    """
    if not is_text(builder):
        return None
    with inside(kind, "query_vector_builder"):
        if "text_embedding" in builder:
            return _model_text(builder["text_embedding"])
        text = _input_text(builder["embedding"])
        if text is not None and len(text) > MAX_TEXT_CHARS:
            raise refused(
                f"[embedding] [input] must have at most [{MAX_TEXT_CHARS}] characters, found "
                f"[{len(text)}]"
            )
        return text


def _model_text(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        raise refused(
            f"[text_embedding] doesn't support values of type: {token(value)}", type=X_CONTENT
        )
    fields = Fields("text_embedding", value, ("model_id", "model_text"))
    fields.required("model_text")
    return fields.text("model_text")


def _input_text(value: Any) -> str | None:
    """The one text of an `embedding`; None for images and for several inputs."""
    given = value.get("input") if isinstance(value, Mapping) else None
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if isinstance(given, Mapping) and given.get("type") == "text":
        given = given.get("value")
    return given if isinstance(given, str) else None
