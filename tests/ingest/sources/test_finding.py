from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from ingest.sources import Source, can_be_read_again, check_source, find_sources, open_rows

ROW = '{"id": "1", "title": "t"}\n'


def tree(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id,title\n1,t\n" if ".csv" in name else ROW)


def test_a_folder_is_read_sorted_and_deep(tmp_path: Path) -> None:
    tree(tmp_path, "b.jsonl", "a/2.csv", "a/1.csv", "a.tsv", ".hidden.jsonl", ".git/x.csv", "notes")
    said: list[str] = []
    found = find_sources([str(tmp_path)], say=said.append)
    assert [(str(Path(path).relative_to(tmp_path)), form) for path, form in found] == [
        ("a.tsv", "tsv"),
        ("b.jsonl", "jsonl"),
        ("a/1.csv", "csv"),
        ("a/2.csv", "csv"),
    ]
    assert said == [f"{tmp_path}: skipped notes: the name does not show the format"]


def test_an_error_lists_the_contents_of_a_folder_without_readable_files(tmp_path: Path) -> None:
    tree(tmp_path, *(f"page-{n:02}.html" for n in range(12)))
    with pytest.raises(SourceError) as error:
        find_sources([str(tmp_path)])
    shown = ", ".join(f"page-{n:02}.html" for n in range(10))
    assert str(error.value) == (
        f"{tmp_path}: it contains no readable file, only {shown} and 2 more; name files of "
        "a supported kind (.jsonl, .csv, .tsv, .parquet, also .gz, .zst, .zip), or set --format"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match="it contains no readable file; name"):
        find_sources([str(empty)])


def test_a_given_format_applies_to_all_files(tmp_path: Path) -> None:
    tree(tmp_path, "a.txt", "b")
    found = find_sources([str(tmp_path)], "jsonl")
    assert found == [Source(str(tmp_path / name), "jsonl") for name in ("a.txt", "b")]


def test_patterns(tmp_path: Path) -> None:
    tree(tmp_path, "2.jsonl", "1.jsonl", "x/3.jsonl", "a.csv", "[1].csv")
    found = find_sources([str(tmp_path / "**/*.jsonl")])
    assert [Path(path).name for path, _ in found] == ["1.jsonl", "2.jsonl", "3.jsonl"]
    # A file of that very name is no pattern.
    assert find_sources([str(tmp_path / "[1].csv")]) == [Source(str(tmp_path / "[1].csv"), "csv")]
    with pytest.raises(SourceError, match="no file matches the pattern; check the pattern"):
        find_sources([str(tmp_path / "*.parquet")])


def test_members_of_an_archive_are_sources(tmp_path: Path) -> None:
    archive = str(tmp_path / "feed.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("de/b.csv", "id,title\n1,Kessel\n")
        packed.writestr("a.jsonl", ROW)
        packed.writestr("readme.txt", "hello")
        packed.writestr("__MACOSX/a.jsonl", "junk")
    said: list[str] = []
    found = find_sources([archive], say=said.append)
    assert found == [
        Source(f"{archive}!a.jsonl", "jsonl"),
        Source(f"{archive}!de/b.csv", "csv"),
    ]
    assert said == [f"{archive}: skipped readme.txt: the name does not show the format"]
    rows = [row for path, form in found for row in open_rows(path, form)]
    assert [(row.place, row.values["title"]) for row in rows] == [
        (f"{archive}!a.jsonl:1", "t"),
        (f"{archive}!de/b.csv:2", "Kessel"),
    ]
    assert find_sources([f"{archive}!a.jsonl"]) == [found[0]]
    # An archive in a folder is opened as well.
    assert find_sources([str(tmp_path)]) == found


def test_archives_that_cannot_be_read(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"PK no archive")
    with pytest.raises(SourceError, match="the archive is truncated or damaged"):
        find_sources([str(archive)])
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("notes.txt", "x")
    with pytest.raises(SourceError, match=r"it contains no readable file, only notes\.txt"):
        find_sources([str(archive)])
    with pytest.raises(SourceError, match=r"no such member in the archive; it contains notes\.txt"):
        check_source(f"{archive}!a.csv", "csv")


def test_indices_and_standard_input(tmp_path: Path) -> None:
    assert find_sources(["es://products", "es+https://h:9200/p"]) == [
        Source("es://products", "elasticsearch"),
        Source("es+https://h:9200/p", "elasticsearch"),
    ]
    assert find_sources(["-"], "csv") == [Source("-", "csv")]
    with pytest.raises(SourceError, match="no such file; check the path"):
        check_source(*find_sources([str(tmp_path / "none.csv")])[0])


def test_a_pipe_is_read_once_and_not_looked_at_before(tmp_path: Path) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["sh", "-c", f"printf '%s' '{ROW}' > {pipe}"])
    try:
        assert not can_be_read_again(str(pipe))
        check_source(str(pipe), "jsonl")
        assert [row.values["id"] for row in open_rows(str(pipe), "jsonl")] == ["1"]
    finally:
        writer.wait(10)
    assert writer.returncode == 0


def test_links_out_of_a_folder_and_pipes_are_reported(tmp_path: Path) -> None:
    tree(tmp_path, "feeds/a.jsonl", "private/b.jsonl")
    feeds = tmp_path / "feeds"
    (feeds / "link.jsonl").symlink_to(tmp_path / "private/b.jsonl")
    (feeds / "inner.jsonl").symlink_to("a.jsonl")
    os.mkfifo(feeds / "pipe.jsonl")
    for name in (str(feeds), str(feeds / "*.jsonl")):
        said: list[str] = []
        found = find_sources([name], say=said.append)
        assert [Path(path).name for path, _ in found] == ["a.jsonl", "inner.jsonl"]
        assert said == [
            f"{feeds}/link.jsonl: skipped: a link out of the folder; name the file itself",
            f"{feeds}/pipe.jsonl: skipped: no regular file; name it itself",
        ]
    # What the user names is read, and so is a folder behind a link.
    assert find_sources([str(feeds / "link.jsonl")])[0].format == "jsonl"
    (tmp_path / "here").symlink_to(feeds)
    assert len(find_sources([str(tmp_path / "here")])) == 2


def test_names_do_not_control_the_terminal(tmp_path: Path) -> None:
    name = "x\x1b]0;pwn\x07\u202e\n\udcff"
    tree(tmp_path, "a.jsonl", f"{name}.txt", f"Größe\u3000{name}.csv")
    said: list[str] = []
    found = find_sources([str(tmp_path)], say=said.append)
    rows = [row for path, form in found for row in open_rows(path, form)]
    escaped = "x\\x1b]0;pwn\\x07\\u202e\\n\\udcff"
    assert said == [f"{tmp_path}: skipped {escaped}.txt: the name does not show the format"]
    assert f"{tmp_path}/Größe\u3000{escaped}.csv:2" in [row.place for row in rows]
