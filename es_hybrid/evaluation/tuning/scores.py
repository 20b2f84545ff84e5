"""What each trial scores on each query."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.tuning.journal import TuningJournal, Values
from es_hybrid.evaluation.tuning.space import SettingsChange
from es_hybrid.evaluation.tuning.split import Group

# The value of each change on one query.
MeasureQuery = Callable[[Query, Sequence[SettingsChange]], Sequence[float]]

# Queries measured at a time: while one fuses, others wait for Elasticsearch.
_THREADS = 3


class TrialScores:
    """Measures changes, numbered from 0, and remembers their values.

    Args:
        changes: The first one is no change.
        measure: Called from several threads.
        journal: Keeps the values for a run that continues this one.
        done: Called after each query with the number of values measured.

    Attributes:
        drawn: Number of the first changes; others were added.
    """

    def __init__(
        self,
        changes: Sequence[SettingsChange],
        measure: MeasureQuery,
        *,
        journal: TuningJournal | None = None,
        done: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.changes = list(changes)
        self.drawn = len(changes)
        self._measure = measure
        self._journal = journal
        self._done = done
        self._values: Values = journal.values if journal is not None else {}

    def add(self, change: SettingsChange) -> int:
        """The number of a change that may be new."""
        if change not in self.changes:
            self.changes.append(change)
        return self.changes.index(change)

    def require(self, trials: Collection[int], groups: Sequence[Group]) -> None:
        """Measure what is not known of these trials."""
        queries = [query for group in groups for query in group]
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="tune")
        try:
            for query, found in zip(
                queries, pool.map(partial(self._missing, trials), queries), strict=True
            ):
                if found and self._journal is not None:
                    self._journal.write(query.id, found)
                self._values.setdefault(query.id, {}).update(found)
                self._done(len(trials))
        finally:
            pool.shutdown(cancel_futures=True)

    def of(self, trial: int, groups: Sequence[Group]) -> NDArray[np.float64]:
        """The mean value of a trial on each group, `[groups]`."""
        return np.array(
            [
                np.mean([self._values[query.id][trial] for query in group], dtype=np.float64)
                for group in groups
            ]
        )

    def value(self, trial: int, query: Query) -> float:
        """The value of a trial on a query."""
        return self._values[query.id][trial]

    def known(self, trial: int, groups: Sequence[Group]) -> list[Group]:
        """The groups on which a trial was measured."""
        return [
            group
            for group in groups
            if all(trial in self._values.get(query.id, {}) for query in group)
        ]

    def _missing(self, trials: Collection[int], query: Query) -> dict[int, float]:
        known = self._values.get(query.id, {})
        new = [trial for trial in trials if trial not in known]
        if not new:
            return {}
        values = self._measure(query, [self.changes[trial] for trial in new])
        return dict(zip(new, values, strict=True))
