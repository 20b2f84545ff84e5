from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from es_hybrid.errors import IndexStateError, StorageError
from ingest.record.ledger import Ledger, SourceFacts
from ingest.record.remarks import Remark
from ingest.record.result import NOT_TAKEN, SliceKey, SliceResult
from ingest.record.tally import Tally
from tests.ingest.parts import load_facts, open_ledger


def result(source: int, number: int, ids: dict[str, int], rejected: int = 0) -> SliceResult:
    tally = Tally(rows=len(ids) + rejected, created=len(ids), rejected=rejected)
    return SliceResult(key=SliceKey(source, number), tally=tally, ids=ids, unnamed=rejected)


def test_what_was_written_is_read_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "loads" / "shop.sqlite"
    source = SourceFacts("a.csv", "csv", "12 34 ab", 7)
    with open_ledger(path, sources=(source,), mapping={"id": "nr"}) as ledger:
        assert (ledger.done, ledger.finished, ledger.totals().rows) == (set(), None, 0)
        ledger.finish_slice(result(0, 0, {"a": 1, "b": 2}), dead_letters_bytes=10)
        ledger.finish_slice(result(1, 0, {"a": 3}, rejected=1), dead_letters_bytes=30)
    with Ledger(path) as again:
        assert again.facts == load_facts(sources=(source,), mapping={"id": "nr"})
        assert again.done == {SliceKey(0, 0), SliceKey(1, 0)}
        totals = again.totals()
        assert (totals.rows, totals.created, totals.rejected) == (4, 3, 1)
        assert (again.dead_letters_bytes, again.unnamed) == (30, 1)
        assert again.version_of("a") == 3
        assert again.knows("b")
        assert not again.knows("c")
        again.finish()
        assert again.finished is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_newest_version_of_an_id_stays_and_a_rejected_row_has_none(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        for number, version in enumerate([5, 3, NOT_TAKEN]):
            ledger.finish_slice(result(0, number, {"a": version}), dead_letters_bytes=0)
        assert ledger.version_of("a") == 5


def test_a_slice_is_done_once_or_not_at_all(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        ledger.finish_slice(result(0, 0, {"a": 1}), dead_letters_bytes=5)
        with pytest.raises(sqlite3.IntegrityError):
            ledger.finish_slice(result(0, 0, {"b": 1}), dead_letters_bytes=9)
        assert ledger.dead_letters_bytes == 5
        assert not ledger.knows("b")


def test_every_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        settings = [
            ledger._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]
        assert settings == ["wal", 2]


def test_a_source_is_forgotten(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        ledger.finish_slice(result(0, 0, {"a": 1}), dead_letters_bytes=0)
        ledger.finish_slice(result(1, 0, {"b": 1}), dead_letters_bytes=0)
        ledger.forget(0)
        assert ledger.done == {SliceKey(1, 0)}
        # The document of "a" is there, but its row is read again: that is no second row.
        assert ledger.knows("a")
        assert ledger.taken(["a", "b", "c"]) == ["b"]


def test_an_id_is_taken_if_one_of_its_rows_was(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        ledger.finish_slice(result(0, 0, {"a": 1, "b": NOT_TAKEN}), dead_letters_bytes=0)
        assert ledger.taken(iter(["a", "b", "c"])) == ["a"]


def test_remarks_of_earlier_runs_are_in_the_totals(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        for source, number in ((1, 0), (0, 7), (0, 2)):
            slice_ = result(source, number, {f"{source}-{number}": 1})
            slice_.tally.remarks.add("price: no amount", f"{source}:{number}", rows=2)
            ledger.finish_slice(slice_, dead_letters_bytes=0)
        assert ledger.totals().remarks == {"price: no amount": Remark(6, "0:2")}
        ledger.forget(0)
        assert ledger.totals().remarks == {"price: no amount": Remark(2, "1:0")}


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one" * 30])
def test_a_file_that_is_not_a_ledger(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(content)
    with pytest.raises(IndexStateError, match="not a ledger of a load"):
        Ledger(path)


def test_a_ledger_of_another_release(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with open_ledger(path) as ledger:
        ledger._db.execute("PRAGMA user_version = 0")
    with pytest.raises(IndexStateError, match="written by another version of es-hybrid"):
        Ledger(path)


def test_a_full_disk(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        ledger._db.execute("PRAGMA max_page_count = 1")  # as SQLite sees a full disk
        ids = {f"{n} {'x' * 400}": n for n in range(500)}
        with pytest.raises(StorageError, match="cannot be written: database or disk is full"):
            ledger.finish_slice(result(0, 0, ids), dead_letters_bytes=5)
        assert ledger.done == set()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the ledger cannot be written"):
        open_ledger(tmp_path / "file" / "shop.sqlite")


def test_a_rate_needs_two_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 110.0, 120.0, 500.0, 510.0])
    monkeypatch.setattr("ingest.record.ledger.time.time", lambda: next(moments))
    with open_ledger(tmp_path / "shop.sqlite") as ledger:
        assert ledger.rate(60) is None
        rates = []
        for number in range(5):
            ids = {f"{number}-{n}": 1 for n in range(50)}
            ledger.finish_slice(result(0, number, ids), dead_letters_bytes=0)
            rates.append(ledger.rate(60))
    assert rates == [None, 5.0, 5.0, None, 5.0]
