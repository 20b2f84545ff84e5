"""A rerank server that is used only while it passes its canaries."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from es_hybrid.errors import RerankError
from es_hybrid.language import LANGUAGES
from es_hybrid.reranking.canaries import CANARIES, CanaryOutcome, examine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.reranking.reranker import Reranker

__all__ = ["CheckedReranker"]

logger = logging.getLogger(__name__)

# Seconds until the canaries are scored again: after they passed; after they did not, twice as long
# each time.
_PASSED, _FAILED, _FAILED_AT_MOST = 3600.0, 60.0, 900.0
# Seconds to wait for a thread that scores canaries when the reranker is closed.
_PATIENCE = 1.0


class CheckedReranker:
    """Scores as the reranker does, but raises `CanariesFailed` while that fails its canaries.

    A thread scores the canaries at the start and then every hour, after a failure sooner, if the
    reranker is in use. Calls do not wait for it, except the first ones if `wait` is true: then the
    canaries follow the first scores, so that a server that is down costs a search no more than
    without them.

    Args:
        reranker: Closed with this one.
        place: Its address, for messages.
        wait: Calls wait for the first canaries, within their deadline. If not, the canaries are
            scored at once, and calls are answered until they have failed.
        clock: Returns seconds.
    """

    def __init__(
        self,
        reranker: Reranker,
        *,
        place: str,
        wait: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reranker = reranker
        self._place = place
        self._wait = wait
        self._clock = clock
        self._outcome: CanaryOutcome | None = None
        self._tried = threading.Event()
        self._checking = threading.Lock()
        self._due = clock()
        self._failed = _FAILED
        self._thread: threading.Thread | None = None
        self._closed = False
        if not wait:
            self._check_if_due()

    @property
    def languages(self) -> frozenset[str]:
        """Those of the reranker, without those in which it fails its canaries.

        One that fails in all of them is faulty, which `score` reports.
        """
        languages, outcome = self._reranker.languages, self._outcome
        if outcome is None or outcome.fault or not outcome.wrong:
            return languages
        return (languages or LANGUAGES).difference(outcome.wrong)

    @property
    def weight(self) -> float:
        """See `Reranker`."""
        return self._reranker.weight

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        """See `Reranker`.

        Raises:
            CanariesFailed: the reranker failed its canaries when they were last scored.
            RerankError: as the reranker.
        """
        if self._outcome and self._outcome.fault:
            self._check_if_due()
            self._raise_fault()
        scores = self._reranker.score(query, documents, instruction, deadline=deadline, raw=raw)
        self._check_if_due()
        if self._wait and not self._tried.is_set():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            self._tried.wait(left)
            self._raise_fault()
        return scores

    def close(self) -> None:
        """Close the reranker."""
        self._closed = True
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        self._reranker.close()

    def _raise_fault(self) -> None:
        outcome = self._outcome
        if outcome and outcome.fault:
            raise outcome.fault.with_traceback(None)

    def _check_if_due(self) -> None:
        if self._clock() >= self._due and self._checking.acquire(blocking=False):
            self._thread = threading.Thread(target=self._check, name="canaries", daemon=True)
            self._thread.start()

    def _check(self) -> None:
        """Runs with the lock held."""
        # Only calls that wait are in a hurry.
        at_once = len(CANARIES) if self._wait and not self._tried.is_set() else 1
        passed = False
        try:
            outcome = examine(self._reranker, place=self._place, at_once=at_once)
            self._report(outcome)
            self._outcome = outcome
            passed = outcome.fault is None
        except RerankError as error:
            logger.warning("%s: the canaries could not be scored: %s", self._place, error)
        except RuntimeError:
            if not self._closed:  # else its connections are
                raise
        finally:
            self._due = self._clock() + (_PASSED if passed else self._failed)
            self._failed = _FAILED if passed else min(2 * self._failed, _FAILED_AT_MOST)
            self._checking.release()
            self._tried.set()

    def _report(self, outcome: CanaryOutcome) -> None:
        """Log what has changed."""
        before = self._outcome or CanaryOutcome((), (), None)
        if outcome.fault and not before.fault:
            logger.error("%s. It is not used until it passes.", outcome.fault)
        elif before.fault and not outcome.fault:
            logger.warning("%s: passes its canaries again and is used", self._place)
        if outcome.right and outcome.wrong and outcome.wrong != before.wrong:
            logger.warning(
                "%s: fails its canaries in %s and is not used for these languages",
                self._place, ", ".join(outcome.wrong),
            )  # fmt: skip
