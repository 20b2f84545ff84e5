"""What waits for a person, and what people decided."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.records import PairRecord
from es_hybrid.errors import AlignError
from es_hybrid.retrieval.response import StageRank
from tests.align.stores import small_store


@pytest.fixture
def store(tmp_path: Path) -> ReviewStore:
    return ReviewStore(small_store(tmp_path / "align" / "default.sqlite"))


def _waiting(store: ReviewStore) -> list[PairRecord]:
    return [pair.record for pair in store.queue(100)]


def test_the_likeliest_pair_waits_first_with_all_that_is_known(store: ReviewStore) -> None:
    first, second, third = store.queue(10)
    assert first.record.pair == ("de-1", "en-1")
    assert first.record.score == 0.85
    assert first.record.rule == "0.7 <= score < 0.9"
    assert first.record.stages == {"knn": StageRank(1, 0.85)}
    assert first.left == {"id": "de-1", "title": "Küchenwaage", "lang": "de"}
    assert first.right["title"] == first.record.right_title == "Kitchen scale"
    assert [second.record.pair, third.record.pair] == [("de-2", "en-2"), ("de-3", "en-3")]


def test_the_queue_has_pages_and_categories(store: ReviewStore) -> None:
    assert [pair.record.left_id for pair in store.queue(1, 1)] == ["de-2"]
    assert [pair.record.left_id for pair in store.queue(9, category="baby")] == ["de-2"]
    assert store.queue(9, category="toys") == []
    assert store.categories() == ["Kitchen", "baby"]


def test_a_decision_takes_the_pair_off_the_queue_and_undoing_brings_it_back(
    store: ReviewStore,
) -> None:
    made = store.decide(("de-1", "en-1"), True, " Ann ", "same box")
    assert (made.id, made.accept, made.by, made.reason) == (1, True, "Ann", "same box")
    assert [record.left_id for record in _waiting(store)] == ["de-2", "de-3"]
    assert store.counts() == {
        "merge": 1, "review": 2, "discard": 1, "accepted": 1, "rejected": 0,
    }  # fmt: skip
    undone = store.undo(made.id, "Bo")
    assert undone.undone_by == "Bo"
    assert undone.undone_at
    assert [record.left_id for record in _waiting(store)] == ["de-1", "de-2", "de-3"]
    assert store.counts()["review"] == 3
    assert store.decisions() == [undone]


def test_the_last_decision_that_counts_wins(store: ReviewStore) -> None:
    store.decide(("de-0", "en-0"), True, "Ann")
    last = store.decide(("de-0", "en-0"), False, "Bo", "another model")
    assert store.counts()["rejected"] == 1
    store.undo(last.id, "Ann")
    assert (store.counts()["accepted"], store.counts()["rejected"]) == (1, 0)


def test_a_decision_needs_a_name_and_a_pair(store: ReviewStore) -> None:
    with pytest.raises(AlignError, match="needs a name"):
        store.decide(("de-1", "en-1"), True, "  ")
    with pytest.raises(AlignError, match="no pair 'de-1' and 'en-2'"):
        store.decide(("de-1", "en-2"), True, "Ann")
    with pytest.raises(AlignError, match="no decision 7"):
        store.undo(7, "Ann")
    made = store.decide(("de-1", "en-1"), True, "Ann")
    store.undo(made.id, "Ann")
    with pytest.raises(AlignError, match="no decision 1"):
        store.undo(made.id, "Ann")
    with pytest.raises(AlignError, match="needs a name"):
        store.undo(made.id, "")


def test_many_people_decide_at_once_and_nothing_is_lost(store: ReviewStore) -> None:
    def decide(number: int) -> int:
        return store.decide(("de-1", "en-1"), bool(number % 2), f"person {number}").id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(decide, range(40)))
    assert sorted(ids) == list(range(1, 41))
    assert {decision.by for decision in store.decisions()} == {f"person {n}" for n in range(40)}


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    path = small_store(tmp_path / "default.sqlite")
    ReviewStore(path).decide(("de-1", "en-1"), True, "Ann")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o600}


def test_what_is_no_alignment_is_named(tmp_path: Path) -> None:
    with pytest.raises(AlignError, match="there is no alignment; create it with"):
        ReviewStore(tmp_path / "none.sqlite")
    (tmp_path / "text").write_text("not a database at all, " * 100)
    with pytest.raises(AlignError, match="SQLite: file is not a database"):
        ReviewStore(tmp_path / "text")
