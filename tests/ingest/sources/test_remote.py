"""Sources behind URLs: fsspec's own memory store, and a real web server over a socket."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from es_hybrid.errors import SourceError
from ingest.sources import Source, check_source, find_sources, fingerprint, open_rows
from tests.fakes.http import Answer, HttpServer, Request

ROWS = b'{"id": "1", "title": "a"}\n{"id": "2", "title": "b"}\n'


@pytest.fixture
def memory() -> Iterator[str]:
    store = fsspec.filesystem("memory")
    yield "memory://feeds"
    store.rm("/feeds", recursive=True)


def put(url: str, content: bytes) -> None:
    with fsspec.open(url, "wb") as file:
        file.write(content)


def test_folders_patterns_and_archives_of_a_store(memory: str, tmp_path: Path) -> None:
    put(f"{memory}/b/2.jsonl", ROWS)
    put(f"{memory}/b/1.jsonl.gz", gzip.compress(ROWS))
    put(f"{memory}/.hidden.jsonl", ROWS)
    put(f"{memory}/notes.md", b"x")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("3.csv", "id,title\n1,c\n")
    put(f"{memory}/a.zip", (tmp_path / "a.zip").read_bytes())
    said: list[str] = []
    found = find_sources([memory], say=said.append)
    assert found == [
        Source("memory:///feeds/a.zip!3.csv", "csv"),
        Source("memory:///feeds/b/1.jsonl.gz", "jsonl"),
        Source("memory:///feeds/b/2.jsonl", "jsonl"),
    ]
    assert said == [
        "memory://feeds: skipped memory:///feeds/notes.md: the name does not show the format"
    ]
    rows = [row for source in found for row in open_rows(*source)]
    assert "".join(str(row.values["title"]) for row in rows) == "cabab"
    assert rows[-1].place == "memory:///feeds/b/2.jsonl:2"
    assert find_sources([f"{memory}/b/*.jsonl"]) == [found[2]]


def test_parquet_in_a_store(memory: str) -> None:
    with fsspec.open(f"{memory}/a.parquet", "wb") as file:
        pq.write_table(pa.table({"id": ["1"], "title": ["a"]}), file)
    assert [row.values["title"] for row in open_rows(f"{memory}/a.parquet", "parquet")] == ["a"]


def test_a_fingerprint_changes_with_the_file(memory: str) -> None:
    put(f"{memory}/a.jsonl", ROWS)
    first = fingerprint(f"{memory}/a.jsonl")
    assert first is not None
    assert fingerprint(f"{memory}/a.jsonl") == first
    put(f"{memory}/a.jsonl", ROWS)
    assert fingerprint(f"{memory}/a.jsonl") != first


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "s3://bucket/a.jsonl",
            "s3://bucket/a.jsonl: the package for s3:// is not installed; install s3fs to access "
            "S3",
        ),
        ("odd://host/a.jsonl", "odd://host/a.jsonl: unknown protocol odd://; use a protocol of"),
        ("memory://none/a.jsonl", "memory://none/a.jsonl: no such file; check the path"),
        (
            "http://user:secret@127.0.0.1:1/a.jsonl?X-Amz-Signature=secret",
            "http://127.0.0.1:1/a.jsonl: cannot be read: ",
        ),
    ],
)
def test_what_cannot_be_read(url: str, message: str) -> None:
    with pytest.raises(SourceError) as error:
        check_source(*find_sources([url])[0])
    assert str(error.value).startswith(message)
    assert error.value.remedy
    assert "secret" not in str(error.value)


def _file(request: Request) -> Answer:
    """A file for those who have the token; of `cut.jsonl` the first half."""
    if "token=secret" not in request.target:
        return Answer(403, b"")
    cut = len(ROWS) // 2 if "cut" in request.path else None
    return Answer(200, ROWS, {"ETag": '"v1"'}, cut=cut)


@pytest.fixture
def shop() -> Iterator[str]:
    with HttpServer(_file) as server:
        yield server.url


def test_over_http_with_a_token_that_no_message_shows(shop: str) -> None:
    url = f"{shop}/feed.jsonl?token=secret"
    assert find_sources([url]) == [Source(url, "jsonl")]
    rows = list(open_rows(url, "jsonl"))
    assert [row.values["title"] for row in rows] == ["a", "b"]
    assert [row.place for row in rows] == [f"{shop}/feed.jsonl:1", f"{shop}/feed.jsonl:2"]
    assert fingerprint(url) == f'{len(ROWS)} "v1"'


def test_over_http_refused_and_cut(shop: str) -> None:
    with pytest.raises(SourceError) as refused:
        check_source(f"{shop}/feed.jsonl?token=wrong", "jsonl")
    assert str(refused.value) == (
        f"{shop}/feed.jsonl: cannot be read: ClientResponseError 403; check the URL, your "
        "credentials and the network"
    )
    with pytest.raises(SourceError, match=r"cannot be read: (ContentLength|ClientPayload)Error"):
        list(open_rows(f"{shop}/cut.jsonl?token=secret", "jsonl"))
