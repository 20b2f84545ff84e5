from __future__ import annotations

import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from es_hybrid.errors import SourceError
from ingest.sources import check_source, open_rows, parquet

LONG = "x" * 2_000_000


def bombs() -> dict[str, pa.Table]:
    """Tables of some kilobytes that expand to gigabytes."""
    texts = pa.array([LONG] * 1).take(pa.array([0] * 40))
    return {
        "text": pa.table({"id": texts}),
        "list": pa.table({"id": pa.array([[LONG[:20_000]] * 200] * 20)}),
        "map": pa.table(
            {"id": pa.array([[("k", LONG)]] * 40, type=pa.map_(pa.string(), pa.string()))}
        ),
        "struct": pa.table({"id": pa.array([{"de": LONG}] * 40)}),
        "binary": pa.table({"id": pa.array([LONG.encode()] * 40)}),
    }


@pytest.mark.parametrize("kind", bombs())
def test_dictionaries_are_not_expanded_at_once(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(bombs()[kind], path, compression="zstd", dictionary_pagesize_limit=10**8)
    assert path.stat().st_size < 100_000
    with pytest.raises(SourceError, match="the compressed data expands to "):
        list(open_rows(str(path), "parquet"))
    monkeypatch.setattr("ingest.sources.unpacking.MAX_RATIO", 10**9)
    tracemalloc.start()
    count = sum(1 for _ in open_rows(str(path), "parquet"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count in (20, 40)
    assert peak < 100 * 1024**2


def test_many_equal_values_in_one_row_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    numbers = pa.ListArray.from_arrays(
        pa.array([0, 9_000_000], pa.int32()), pa.array([0.0] * 9_000_000)
    )
    pq.write_table(pa.table({"id": numbers}), path)
    with pytest.raises(SourceError, match="the compressed data expands to "):
        list(open_rows(str(path), "parquet"))


def test_a_long_row_is_one_dead_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MAX_TEXT_BYTES", 1000)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["1", "2" * 1001, "3"] * 400}), path)
    rows = list(open_rows(str(path), "parquet"))
    assert [bool(row.problem) for row in rows] == [False, True, False] * 400
    assert rows[1].place == f"{path}:row 2"
    assert "the texts of the row are longer than 1,000 bytes" in str(rows[1].problem)


def test_values_inside_objects(tmp_path: Path) -> None:
    path = str(tmp_path / "a.parquet")
    table = pa.table(
        {
            "id": ["1"],
            "title": [{"de": "Kessel", "en": None}],
            "price.amount": [5],
            "images": [[{"src": "a.jpg"}, {"src": "b.jpg"}]],
            "other": ["x"],
        }
    )
    pq.write_table(table, path)
    wanted = ("id", "title.de", "title.en", "price.amount", "images.src")
    check_source(path, "parquet", required=("title.de", "images.src"))
    (row,) = open_rows(path, "parquet", wanted=wanted)
    found = {name: row.values[name] for name in wanted if name in row.values}
    assert found == {
        "id": "1",
        "title.de": "Kessel",
        "price.amount": 5,
        "images.src": ["a.jpg", "b.jpg"],
    }
    assert "other" not in row.values
    with pytest.raises(SourceError, match=r"no column 'title\.fr'"):
        check_source(path, "parquet", required=("title.fr",))
