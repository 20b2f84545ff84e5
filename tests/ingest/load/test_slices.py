"""Cutting and carrying shards; what `process_shard` does stands in test_pipeline.py."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from es_hybrid.errors import Outage, RowError, SourceError
from ingest.load.slices import Shard, ShardKey, ShardResult, cut
from ingest.record.tally import Tally
from ingest.sources import Row


def rows(count: int, *, broken: bool = False) -> Iterator[Row]:
    for number in range(count):
        yield Row(f"a:{number}", {"id": str(number)})
    if broken:
        raise SourceError("cut off")


def sizes(shards: list[Shard]) -> list[tuple[int, bool]]:
    return [(len(shard.rows), shard.whole) for shard in shards]


@pytest.mark.parametrize(("count", "expected"), [
    (0, []), (1, [1]), (3, [3]), (4, [3, 1]), (13, [3, 5, 5]), (14, [3, 5, 5, 1]),
])  # fmt: skip
def test_every_row_is_in_one_shard_with_a_version_of_its_own(
    count: int, expected: list[int]
) -> None:
    shards = list(cut(rows(count), source=2, first_version=100, size=5, first_size=3))
    assert sizes(shards) == [(size, True) for size in expected]
    assert [shard.key for shard in shards] == [ShardKey(2, n) for n in range(len(shards))]
    places = [row.place for shard in shards for row in shard.rows]
    assert places == [f"a:{n}" for n in range(count)]
    versions = [version for shard in shards for version in shard.versions]
    assert versions == list(range(100, 100 + count))


def test_what_was_read_before_an_error_comes_out_and_is_not_called_whole() -> None:
    shards = []
    with pytest.raises(SourceError, match="cut off"):  # noqa: PT012 (the loop is the point)
        for shard in cut(rows(9, broken=True), source=0, first_version=0, size=5, first_size=3):
            shards.append(shard)
    assert sizes(shards) == [(3, True), (5, True), (1, False)]


def test_only_a_whole_shard_all_of_whose_rows_ended_is_complete() -> None:
    def result(*, whole: bool = True, rows: int = 2, error: Outage | None = None) -> ShardResult:
        tally = Tally(rows=rows, created=1, rejected=1)
        return ShardResult(shard=ShardKey(0, 0), whole=whole, tally=tally, error=error)

    assert result().complete
    assert not result(whole=False).complete
    assert not result(rows=3).complete
    assert not result(error=Outage("away")).complete


def test_shards_and_results_travel() -> None:
    problem = RowError("bad", place="a:1", remedy="mend it", sku="S", field="price")
    shard = Shard(ShardKey(0, 1), (Row("a:1", {"id": 1}, problem),), range(5, 6))
    again = pickle.loads(pickle.dumps(shard))
    assert (again.key, again.versions, str(again.rows[0].problem)) == (
        shard.key, shard.versions, str(problem)
    )  # fmt: skip
    result = ShardResult(
        shard=shard.key,
        whole=True,
        tally=Tally(rows=1),
        error=Outage("away", place="there", remedy="wait"),
    )
    back = pickle.loads(pickle.dumps(result))
    assert isinstance(back.error, Outage)
    assert str(back.error) == "there: away; wait"
