"""Cutting and pickling slices; test_run.py tests `process_slice` with real servers."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

import pytest

from es_hybrid.errors import Outage, RowError, SourceError
from ingest.load.slices import Slice, cut, process_slice
from ingest.record.result import SliceKey, SliceResult
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing import Operation, Outcome
from tests.ingest.parts import bare_worker


def rows(count: int, *, broken: bool = False) -> Iterator[Row]:
    for number in range(count):
        yield Row(f"a:{number}", {"id": str(number)})
    if broken:
        raise SourceError("cut off")


def sizes(slices: list[Slice]) -> list[tuple[int, bool]]:
    return [(len(slice_.rows), slice_.whole) for slice_ in slices]


@pytest.mark.parametrize(("count", "expected"), [
    (0, []), (1, [1]), (3, [3]), (4, [3, 1]), (13, [3, 5, 5]), (14, [3, 5, 5, 1]),
])  # fmt: skip
def test_every_row_is_in_one_slice_with_a_version_of_its_own(
    count: int, expected: list[int]
) -> None:
    slices = list(cut(rows(count), source=2, first_version=100, size=5, first_size=3))
    assert sizes(slices) == [(size, True) for size in expected]
    assert [slice_.key for slice_ in slices] == [SliceKey(2, n) for n in range(len(slices))]
    places = [row.place for slice_ in slices for row in slice_.rows]
    assert places == [f"a:{n}" for n in range(count)]
    versions = [version for slice_ in slices for version in slice_.versions]
    assert versions == list(range(100, 100 + count))


def test_what_was_read_before_an_error_comes_out_and_is_not_called_whole() -> None:
    slices = []
    with pytest.raises(SourceError, match="cut off"):  # noqa: PT012 (the loop is the point)
        for slice_ in cut(rows(9, broken=True), source=0, first_version=0, size=5, first_size=3):
            slices.append(slice_)
    assert sizes(slices) == [(3, True), (5, True), (1, False)]


def test_a_skipped_row_is_counted_and_not_cleaned() -> None:
    rows = [Row("a:1", skipped="draft"), Row("a:2", {"id": "1", "title": "Draft"}, skipped="draft")]
    result = process_slice(bare_worker(), Slice(SliceKey(0, 0), rows, range(2)))
    assert (result.complete, result.tally.skipped, result.ids) == (True, 2, {})


@pytest.mark.parametrize(
    ("whole", "fails", "complete"),
    [(True, False, True), (False, False, False), (True, True, False)],
)
def test_a_slice_is_complete_when_every_row_has_a_verdict(
    whole: bool, fails: bool, complete: bool
) -> None:
    """Not if its source may have more rows for it, nor after an error."""

    class Writer:
        def send(self, operations: Sequence[Operation]) -> list[Outcome]:
            if fails:
                raise Outage("unavailable")
            return [Outcome(operation, 201, result="created") for operation in operations]

    worker = bare_worker()
    worker.writer = Writer()  # type: ignore[assignment]
    rows = (Row("a:1", {"id": "1", "title": "T"}), Row("a:2", {"id": "2"}))
    result = process_slice(worker, Slice(SliceKey(0, 0), rows, range(2), whole=whole))
    assert result.complete is complete
    assert (result.tally.created, result.tally.rejected) == (not fails, 1)


def test_a_stopped_slice_is_incomplete() -> None:
    worker = bare_worker()
    worker.patience.stopped.set()
    rows = (Row("a:1", {"id": "1", "title": "T"}),)
    result = process_slice(worker, Slice(SliceKey(0, 0), rows, range(1)))
    assert (result.complete, result.error, result.tally.ended) == (False, None, 0)


def test_slices_and_results_travel() -> None:
    problem = RowError("bad", place="a:1", remedy="mend it", sku="S", field="price")
    slice_ = Slice(SliceKey(0, 1), (Row("a:1", {"id": 1}, problem),), range(5, 6))
    again = pickle.loads(pickle.dumps(slice_))
    assert (again.key, again.versions, str(again.rows[0].problem)) == (
        slice_.key, slice_.versions, str(problem)
    )  # fmt: skip
    result = SliceResult(
        key=slice_.key,
        tally=Tally(rows=1),
        error=Outage("away", place="there", remedy="wait"),
    )
    back = pickle.loads(pickle.dumps(result))
    assert isinstance(back.error, Outage)
    assert str(back.error) == "there: away; wait"
