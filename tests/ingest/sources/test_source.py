from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from ingest.sources import Format, Source, estimated_rows, open_rows
from ingest.sources.source import value_at


def rows_of(path: Path, file_format: Format) -> int | None:
    return estimated_rows(Source(str(path), file_format))


def test_parquet_says_it(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"id": list(range(777))}), tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet", "parquet") == 777


@pytest.mark.parametrize("count", [1, 500, 90_000])
def test_lines_tell_it_about(tmp_path: Path, count: int) -> None:
    (tmp_path / "a.jsonl").write_text("".join(f'{{"id": {n:07}}}\n' for n in range(count)))
    (tmp_path / "a.csv").write_text("id\n" + "".join(f"{n:07}\n" for n in range(count)))
    assert rows_of(tmp_path / "a.jsonl", "jsonl") == pytest.approx(count, rel=0.01)
    assert rows_of(tmp_path / "a.csv", "csv") == pytest.approx(count, rel=0.01)


def test_what_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 100))
    assert rows_of(tmp_path / "a.jsonl.gz", "jsonl") is None
    assert estimated_rows(Source("-", "jsonl")) is None
    assert estimated_rows(Source("es://shop", "elasticsearch")) is None
    assert estimated_rows(Source("a.zip!a.jsonl", "jsonl")) is None
    (tmp_path / "empty.jsonl").write_text("")
    assert rows_of(tmp_path / "empty.jsonl", "jsonl") == 0


def test_values_at_dotted_paths() -> None:
    values = {
        "title": {"de": "Kessel", "en": None},
        "price.amount": 5,
        "price": {"amount": 6},
        "images": [{"src": "a"}, {}, {"src": "b"}],
        "deep": {"a.b": {"c": 1}},
    }
    assert value_at(values, "title.de") == "Kessel"
    assert value_at(values, "price.amount") == 5
    assert value_at(values, "images.src") == ["a", "b"]
    for absent in ("title.en", "title.fr", "title.de.x", "none.x", "images.alt", "title."):
        assert value_at(values, absent) is None


def test_a_row_has_the_values_at_the_wanted_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "title": {"de": "Kessel"}}\n{"id": 2, "title.de": "Topf"}\n')
    rows = open_rows(str(path), "jsonl", wanted=("id", "title.de", "price.amount"))
    assert [row.values.get("title.de") for row in rows] == ["Kessel", "Topf"]
