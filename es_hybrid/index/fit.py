"""Whether the vectors of queries suit those of an index: asked by every search, answered once."""

from __future__ import annotations

import logging
import threading

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EmbeddingError
from es_hybrid.index.passport import Passport, check_canaries, check_identity

logger = logging.getLogger(__name__)


class Fit:
    """Holds one embedder against the passports of one index. Safe for threads.

    Each passport is checked with the first search that meets it: model, revision and dims, which
    cost nothing, and the canaries, which cost one request of three short texts.
    """

    def __init__(self, embedder: Embedder, *, index: str) -> None:
        self._embedder = embedder
        self._index = index
        self._identified: Passport | None = None
        self._fits: Passport | None = None
        self._at_work = threading.Lock()

    def check(self, passport: Passport) -> None:
        """Refuse an embedder whose vectors cannot be compared with the index's.

        Raises:
            PassportMismatch: naming both sides.
        """
        if passport is self._fits:
            return
        if passport is not self._identified:
            check_identity(passport, self._embedder, index=self._index)
            self._identified = passport
        # One asks, and those who come meanwhile do not wait for it.
        if not self._at_work.acquire(blocking=False):
            return
        try:
            check_canaries(passport, self._embedder, index=self._index)
            self._fits = passport
        except EmbeddingError as error:
            # It answered the query: no reason to fail that. The next search asks again.
            logger.warning("the canaries were not checked: %s", error)
        finally:
            self._at_work.release()
