"""Whether the vectors of queries suit those of an index: asked by every search, answered once."""

from __future__ import annotations

import logging
import threading

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EmbeddingError, PassportMismatch
from es_hybrid.index.passport import Passport, check_canaries, check_identity

logger = logging.getLogger(__name__)


class Fit:
    """Holds one embedder against the passports of the indices that are searched. Safe for threads.

    A passport is checked with the first search that meets it: model, revision and dims, which
    costs nothing, and the canaries, which costs one request of three short texts.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._identified: set[Passport] = set()
        self._verdicts: dict[Passport, PassportMismatch | None] = {}
        self._at_work = threading.Lock()

    def check(self, passport: Passport, *, index: str) -> None:
        """Refuse an embedder whose vectors cannot be compared with the index's.

        Raises:
            PassportMismatch: naming both sides.
        """
        if not self._settled(passport, index) and self._at_work.acquire(blocking=False):
            self._check_canaries(passport, index)
            self._settled(passport, index)

    def watch(self, passport: Passport, *, index: str) -> None:
        """As `check`, for an event loop: the canaries are checked beside it.

        The searches until then are answered. Raises as `check` does.
        """
        if not self._settled(passport, index) and self._at_work.acquire(blocking=False):
            work = threading.Thread(
                target=self._check_canaries, args=(passport, index), name="canaries", daemon=True
            )
            work.start()

    def _settled(self, passport: Passport, index: str) -> bool:
        """Whether there is a verdict; raises one that is bad."""
        if passport not in self._identified:
            check_identity(passport, self._embedder, index=index)
            self._identified.add(passport)
        verdict = self._verdicts.get(passport)
        if verdict is not None:
            raise verdict.with_traceback(None)
        return passport in self._verdicts

    def _check_canaries(self, passport: Passport, index: str) -> None:
        """With the lock held: one asks, and those who come meanwhile do not wait for it."""
        try:
            check_canaries(passport, self._embedder, index=index)
            self._verdicts[passport] = None
        except PassportMismatch as mismatch:
            self._verdicts[passport] = mismatch
        except EmbeddingError as error:
            # It answered the query: no reason to fail that. The next search asks again.
            logger.warning("the canaries were not checked: %s", error)
        finally:
            self._at_work.release()
