"""The reranker protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Reranker"]


class Reranker(Protocol):
    """Scores documents against a query and does not sort. Safe to call from several threads."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the supported languages; empty: any."""

    @property
    def weight(self) -> float:
        """Weight of its score in a search, (0, 1]; the fused score gets the rest."""

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        """Score each document: `[n]` texts -> `[n]` float32 in [0, 1], in the given order.

        Args:
            query: Must not be blank.
            documents: Most likely first, in case the deadline leaves some unscored.
            instruction: What makes a document a match; default: that of the reranker.
            deadline: On the clock of `time.monotonic()`. Documents not scored by then are NaN.
            raw: Leave the scores of a server as it answers them: logits may be any number.

        Raises:
            RerankError: the reranker cannot score. It never invents a score.
        """

    def close(self) -> None:
        """Close connections. The reranker cannot be used afterwards."""
