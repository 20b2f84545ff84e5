from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import ElasticsearchError, RowError, TooManyRejected
from es_hybrid.settings import IngestSettings
from ingest.record.dead_letters import DeadLetter
from ingest.record.error_budget import ErrorBudget, Streak
from ingest.record.result import SliceKey, SliceResult
from ingest.record.tally import Tally
from ingest.sources import Row

PROBLEM = RowError("no price", place="a:1")


class Feed:
    """Counts slices as a load does."""

    def __init__(self, **settings: Any) -> None:
        self.budget = ErrorBudget(IngestSettings(**settings))
        self.total = Tally()

    def slice(self, taken: int, rejected: int, stage: str = "clean") -> None:
        tally = Tally(rows=taken + rejected, created=taken, rejected=rejected)
        tally.reasons = [PROBLEM] * bool(rejected)
        letters = [DeadLetter(Row("a:1"), PROBLEM, "1", stage, n) for n in range(rejected)]
        result = SliceResult(key=SliceKey(0, 0), tally=tally, letters=letters)
        self.total.add(tally)
        self.budget.check(self.total, result)


def test_scattered_bad_rows_are_fine() -> None:
    feed = Feed()
    for _ in range(100):
        feed.slice(taken=499, rejected=1)
    feed.slice(taken=260, rejected=240)
    assert (feed.total.rows, feed.total.rejected) == (50_500, 340)


def test_a_number() -> None:
    feed = Feed(max_rejected=2)
    feed.slice(taken=10, rejected=2)
    with pytest.raises(TooManyRejected, match=r"3 rows were .*max_rejected is 2; the last: a:1"):
        feed.slice(taken=10, rejected=1)
    with pytest.raises(TooManyRejected):
        Feed(max_rejected=0).slice(taken=5, rejected=1)


def test_a_share_from_a_thousand_rows_on() -> None:
    feed = Feed(max_rejected_share=0.1)
    feed.slice(taken=400, rejected=100)
    with pytest.raises(TooManyRejected, match=r"20\.0% of 1,000 rows were rejected"):
        feed.slice(taken=400, rejected=100)


def test_slices_of_nothing_but_bad_rows() -> None:
    feed = Feed(max_rejected_in_a_row=1_000, max_rejected_share=1.0)
    feed.slice(taken=0, rejected=500)
    feed.slice(taken=1, rejected=499)
    feed.slice(taken=0, rejected=500)
    with pytest.raises(TooManyRejected, match="1,000 rows in a row"):
        feed.slice(taken=0, rejected=500)


def test_a_load_that_begins_with_refusals_only() -> None:
    Feed().slice(taken=0, rejected=20, stage="clean")
    Feed().slice(taken=0, rejected=7, stage="bulk")
    Feed().slice(taken=1, rejected=30, stage="bulk")
    with pytest.raises(ElasticsearchError, match="all of the first 8 documents were refused"):
        Feed().slice(taken=0, rejected=8, stage="bulk")


def test_a_streak_is_broken_by_one_good_row() -> None:
    streak = Streak(3)
    for _ in range(5):
        streak.rejected("bad")
        streak.rejected("bad")
        streak.length = 0
    streak.rejected("bad")
    streak.rejected("bad")
    with pytest.raises(TooManyRejected, match="3 rows in a row were rejected; the last: bad"):
        streak.rejected("bad")
    endless = Streak(None)
    for _ in range(1_000):
        endless.rejected("bad")
