"""How a search's time is shared out among its parts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from es_hybrid.retrieval.needs import Call, EmbedQuery, Need

# Of the whole, kept back from the reranker: its last batch may run over, and then the page is
# still to be read.
_RESERVE = 0.15


@dataclass(frozen=True, slots=True)
class Shares:
    """What the settings say about time.

    Attributes:
        embedding: Of the whole, (0, 1].
        rerank: Seconds, at most; None for what is left.
    """

    embedding: float = 0.4
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The time of one search.

    Attributes:
        started: On the clock of `time.monotonic()`.
        total: Seconds; None for as long as it takes.
    """

    started: float
    total: float | None
    shares: Shares

    @classmethod
    def from_now(cls, total: float | None, shares: Shares) -> Budget:
        """A budget whose clock starts now."""
        return cls(time.monotonic(), total, shares)

    def seconds_for(self, need: Need) -> float | None:
        """How long the need may take from now on, >= 0; None for no limit."""
        match need:
            case EmbedQuery():
                return self._until(self.shares.embedding)
            case Call():
                return self._until(1.0)
            case _:
                limits = (self._until(1.0 - _RESERVE), self.shares.rerank)
                return min((limit for limit in limits if limit is not None), default=None)

    def _until(self, share: float) -> float | None:
        if self.total is None:
            return None
        return max(0.0, self.started + self.total * share - time.monotonic())
