from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from ingest.sources import Format, Source, estimated_rows


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
