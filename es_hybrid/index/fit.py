"""Whether query vectors match an index: checked by every search, computed once."""

from __future__ import annotations

import logging
import threading

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EmbeddingError, PassportMismatch
from es_hybrid.index.passport import Passport, check_canaries, check_identity

logger = logging.getLogger(__name__)


class Fit:
    """Compares one embedder with the passports of the searched indices. Thread-safe.

    The first search of an index checks its passport: model, revision and dims at no cost, the
    canaries with one request of three short texts.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._identified: set[Passport] = set()
        self._verdicts: dict[Passport, PassportMismatch | None] = {}
        self._checking = threading.Lock()

    def check(self, passport: Passport, *, index: str) -> bool:
        """Reject an embedder whose vectors cannot be compared with the index's.

        Returns:
            Whether the canaries were checked as well.

        Raises:
            PassportMismatch: it cannot.
        """
        if self._settled(passport, index):
            return True
        if not self._checking.acquire(blocking=False):
            return False
        self._check_canaries(passport, index)
        return self._settled(passport, index)

    def watch(self, passport: Passport, *, index: str) -> bool:
        """`check` for an event loop: a thread checks the canaries.

        Searches are answered until it has finished. Returns and raises as `check` does.
        """
        if self._settled(passport, index):
            return True
        if self._checking.acquire(blocking=False):
            work = threading.Thread(
                target=self._check_canaries, args=(passport, index), name="canaries", daemon=True
            )
            work.start()
        return False

    def _settled(self, passport: Passport, index: str) -> bool:
        """Whether the canaries were checked; raises their mismatch."""
        if passport not in self._identified:
            check_identity(passport, self._embedder.identity, index=index)
            self._identified.add(passport)
        verdict = self._verdicts.get(passport)
        if verdict is not None:
            raise verdict.with_traceback(None)
        return passport in self._verdicts

    def _check_canaries(self, passport: Passport, index: str) -> None:
        """Runs with the lock held. Other searches do not wait for it."""
        try:
            check_canaries(passport, self._embedder, index=index)
            self._verdicts[passport] = None
        except PassportMismatch as mismatch:
            self._verdicts[passport] = mismatch
        except EmbeddingError as error:
            # It did embed the query, so that search goes on. The next one checks again.
            logger.warning("the canaries could not be checked: %s", error)
        finally:
            self._checking.release()
