from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from es_hybrid.errors import SourceError
from ingest.sources import find_sources, open_rows, unpacking

BOMB = b'{"id": "1", "title": "' + b"x" * 2_000_000 + b'"}\n'


def bombs(folder: Path) -> list[str]:
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(BOMB * 4))
    (folder / "b.jsonl.zst").write_bytes(zstandard.compress(BOMB * 4))
    with zipfile.ZipFile(folder / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.jsonl", BOMB * 4)
    pq.write_table(
        pa.table({"id": ["1"] * 4, "title": [f"{'x' * 2_000_000}{n}" for n in range(4)]}),
        folder / "d.parquet",
        use_dictionary=False,
        compression="zstd",
    )
    return [path for path, _ in find_sources([str(folder)])]


def test_data_that_expands_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM", 1_000_000)
    paths = bombs(tmp_path)
    assert len(paths) == 4
    for path in paths:
        with pytest.raises(SourceError) as error:
            list(open_rows(*find_sources([path])[0]))
        message = str(error.value)
        assert message.startswith(f"{path}: the compressed data expands to ")
        assert "times its size (limits: 200 times, 64 GiB); if it is genuine" in message


def test_a_large_size_is_refused_with_any_ratio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM", 100_000)
    monkeypatch.setattr(unpacking, "MAX_RATIO", 10**9)
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 5_000_000)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(BOMB * 4))
    with pytest.raises(SourceError, match="the compressed data expands to "):
        list(open_rows(str(path), "jsonl"))


def test_small_files_may_repeat_themselves(tmp_path: Path) -> None:
    for path in bombs(tmp_path):
        assert len(list(open_rows(*find_sources([path])[0]))) == 4


def test_encrypted_member(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "id,title\n1,t\n")
    content = bytearray(path.read_bytes())
    for header in (b"PK\x03\x04", b"PK\x01\x02"):  # set the flag that says it is encrypted
        content[content.index(header) + (6 if header[2] == 3 else 8)] |= 1
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"the member cannot be decompressed: .*password"):
        list(open_rows(f"{path}!a.csv", "csv"))


def test_parquet_where_there_is_no_way_back(tmp_path: Path) -> None:
    """In an archive and from a pipe, although its index is at the end."""
    plain = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["1", "2"], "title": ["a", "b"]}), plain)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "a.parquet")
    in_archive = open_rows(f"{tmp_path}/a.zip!a.parquet", "parquet")
    assert [row.values["title"] for row in in_archive] == ["a", "b"]
    program = "from ingest.sources import *; print([r.values for r in open_rows('-', 'parquet')])"
    command = f'cat {plain} | {sys.executable} -c "{program}"'
    finished = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert finished.stdout == "[{'id': '1', 'title': 'a'}, {'id': '2', 'title': 'b'}]\n"


@pytest.mark.parametrize(
    "size", [200 * 1024**2, pytest.param(2 * 1024**3, marks=pytest.mark.soak)], ids=["200M", "2G"]
)
def test_a_line_of_gigabytes_takes_little_memory(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:  # sparse: it takes no room on the disk
        file.write(b'{"id": 1}\n')
        file.seek(size)
        file.write(b'\n{"id": 3}\n')
    tracemalloc.start()
    try:
        rows = list(open_rows(str(path), "jsonl"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(row.place.rpartition(":")[2], dict(row.values)) for row in rows] == [
        ("1", {"id": 1}),
        ("2", {}),
        ("3", {"id": 3}),
    ]
    assert str(rows[1].problem) == (
        f"{path}:2: the line is longer than 16,777,216 bytes; check its end"
    )
    assert peak < 100 * 1024**2


def test_the_directory_of_an_archive_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read for each member, 20,000 members take minutes."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(500):
            archive.writestr(f"{number:03}.csv", f"id,title\n{number},t\n")
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, file: str) -> None:
            opened.append(file)
            super().__init__(file)

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    sources = find_sources([str(tmp_path / "a.zip")])
    ids = [row.values["id"] for source in sources for row in open_rows(*source)]
    assert ids == [str(number) for number in range(500)]
    assert len(opened) == 1


def test_limits_of_an_archive_and_a_file_in_it_do_not_multiply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = gzip.compress(b'{"id": 1}\n' * 500_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl.gz", inner)
    packed = (tmp_path / "a.zip").stat().st_size
    assert packed < len(inner) / 2
    monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM", 1_000_000)
    monkeypatch.setattr(unpacking, "MAX_RATIO", 5_000_000 / packed / 1.5)
    with pytest.raises(SourceError, match="the compressed data expands to "):
        list(open_rows(f"{tmp_path}/a.zip!a.jsonl.gz", "jsonl"))
