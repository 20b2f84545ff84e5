"""The embedder protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder", "EmbedderIdentity"]


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Vectors are comparable only if their embedders have equal identities."""

    model: str
    revision: str
    dims: int
    query_instruction: str


class Embedder(Protocol):
    """Turns texts into vectors of length 1. Safe to call from several threads.

    Both methods raise `EmbeddingError` instead of returning an unreliable vector: `EmbeddingAway`
    if a later call may succeed, `TextsRefused` if other texts may be fine.
    """

    @property
    def identity(self) -> EmbedderIdentity:
        """Model, revision, dims and query instruction; the first access may query the server."""

    @property
    def batch_size(self) -> int:
        """Preferred number of texts per request."""

    @property
    def concurrency(self) -> int:
        """Number of concurrent calls that use it fully."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed documents without an instruction: `[n]` texts -> `[n, dims]` float32, length 1."""

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """Embed a query with its instruction: `[dims]` float32 of length 1.

        Args:
            timeout: Seconds to wait, without retries; None: the configured timeout and retries.
        """

    def close(self) -> None:
        """Close connections and threads."""
