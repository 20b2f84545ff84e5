"""Embeds the queries of searches: the vectors of frequent ones are remembered, all are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from es_hybrid.embedding import Embedder
from es_hybrid.index.document import numbers_of
from es_hybrid.index.fit import Fit
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.needs import EmbedQuery
from es_hybrid.retrieval.remembered import Remembered
from es_hybrid.settings import EmbeddingSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embed(Protocol):
    """Embeds queries."""

    def known(self, need: EmbedQuery) -> Sequence[float] | None:
        """The `[dims]` numbers of a query embedded before; None if they must be computed."""

    def __call__(self, need: EmbedQuery, seconds: float | None, /) -> Sequence[float]:
        """`[dims]` numbers.

        Args:
            seconds: How long it may take; None for no limit.

        Raises:
            EmbeddingError: there is no vector.
            PassportMismatch: it cannot be compared with those of the index.
        """


class QueryEmbedder:
    """Embeds with one embedder, and checks that the vectors can be compared with the index's.

    Checked after the embedder has answered: then it knows its model and dims, and a server that
    is down degrades a search in the same way at the first search as later. A vector is remembered
    once all checks have passed, together with the passports: an index that other vectors were
    loaded into is checked anew.

    Args:
        wait_for_canaries: The first search of an index waits for the check of its canaries; if
            not, searches are answered until the check has failed.
        count: Called for each query with `embedded` or `remembered`.
    """

    def __init__(
        self,
        embedder: Embedder,
        settings: EmbeddingSettings,
        *,
        wait_for_canaries: bool,
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._embedder = embedder
        self._count = count
        fit = Fit(embedder)
        self._check = fit.check if wait_for_canaries else fit.watch
        self._vectors: Remembered[tuple[str, tuple[Passport, ...]], NDArray[np.float32]]
        self._vectors = Remembered(settings.query_cache, settings.query_cache_seconds)

    def known(self, need: EmbedQuery) -> list[float] | None:
        """See `Embed.known`."""
        vector = self._vectors.get((need.text, need.passports))
        if vector is None:
            return None
        self._count("remembered")
        return numbers_of(vector)

    def __call__(self, need: EmbedQuery, seconds: float | None, /) -> list[float]:
        """See `Embed`."""
        vector = self._embedder.embed_query(need.text, timeout=seconds)
        self._count("embedded")
        checks = [self._check(passport, index=need.index) for passport in need.passports]
        if all(checks) and self._vectors.maxsize:
            self._vectors[need.text, need.passports] = vector
        return numbers_of(vector)
