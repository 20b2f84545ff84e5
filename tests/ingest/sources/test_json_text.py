from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.errors import SourceError
from ingest.sources import Row, estimated_rows, find_sources, guess_format, json_array, open_rows
from ingest.sources.json_array import array_as_rows


def read(folder: Path, content: str | bytes, name: str = "a.json") -> tuple[list[Row], list[str]]:
    """The rows, and what is said."""
    path, said = folder / name, list[str]()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows = list(open_rows(str(path), guess_format(name), say=said.append))
    return rows, [line.removeprefix(f"{path}: ") for line in said]


def ids(rows: list[Row]) -> list[tuple[str, object]]:
    """The line and the id of each row."""
    return [(row.place.rpartition(":")[2], row.values.get("id")) for row in rows]


PRETTY = json.dumps([{"id": 1, "tags": ["a", "]{"]}, {"id": 2, "in": {"id": 3}}], indent=1)
ARRAYS = {
    "[]\n".replace("[]", '[{"id": 1}, {"id": 2}]'): [("1", 1), ("1", 2)],
    PRETTY: [("2", 1), ("9", 2)],
    '\ufeff [{"id": 1},\n\n{"id": 2}\n]\n': [("1", 1), ("3", 2)],
    '{"count": 2, "ids": [1, 2], "none": [],\n"products": [{"id": 1}, {"id": 2}], "page": {}}':
        [("2", 1), ("2", 2)],
    '{"data": {"products": [\n{"id": 1}]}}': [("2", 1)],
    '[{"id": "a \\" } ] \\\\"}, {"id": 2}]': [("1", 'a " } ] \\'), ("1", 2)],
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ARRAYS.items())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_arrays(
    tmp_path: Path, text: str, expected: list[tuple[str, object]], encoding: str
) -> None:
    rows, _ = read(tmp_path, text.encode(encoding))
    assert ids(rows) == expected
    assert not any(row.problem for row in rows)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
def test_where_the_chunks_end_does_not_matter(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "_CHUNK_BYTES", chunk)
    for text, expected in ARRAYS.items():
        assert ids(read(tmp_path, text)[0]) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)


@settings(deadline=None)  # the machine may be busy
@given(
    products=st.lists(st.dictionaries(st.text(), VALUES), min_size=1, max_size=5),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
)
def test_rows_are_what_python_decodes(
    products: list[dict[str, object]], indent: int | None, ascii_only: bool
) -> None:
    import io

    text = json.dumps(products, indent=indent, ensure_ascii=ascii_only)
    try:
        content = text.encode()
    except UnicodeEncodeError:
        return
    rows = list(array_as_rows(io.BytesIO(content), "a.json"))
    assert [row.values for row in rows if not row.problem] == [
        product for product, row in zip(products, rows, strict=True) if not row.problem
    ]


def test_a_bad_element_is_one_dead_letter(tmp_path: Path) -> None:
    rows, _ = read(
        tmp_path,
        '[{"id": 1},\n{"id": 2, "a": [1}, "b": 2},\n7, {"id": 3},\n{"id": "\\ud800"},\n'
        '{"id": 4, "id": 5},\n[1],\n{"id": 6,}\n, {"id": 7}]',
    )
    assert [row.values["id"] for row in rows if not row.problem] == [1, 3, 7]
    problems = [str(row.problem).removeprefix(f"{tmp_path}/a.json:") for row in rows if row.problem]
    assert problems[0].startswith("2: not JSON: ")
    assert any(one.startswith("3: not an object; write each product as an obj") for one in problems)
    assert any(one.startswith("4: not JSON: no low surrogate") for one in problems)
    assert any(one.startswith("5: the key 'id' occurs twice in one object") for one in problems)
    assert any(one.startswith("6: the line is a JSON array, not an object") for one in problems)
    assert any(one.startswith("7: not JSON: ") for one in problems)


def test_a_second_array_is_reported(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, '{"products": [{"id": 1}],\n"vendors": [{"id": 9}]}')
    assert ids(rows) == [("1", 1), ("2", None)]
    assert "a second array of objects, which is not read" in str(rows[1].problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"id": 1}, {"id": 2', "the file ends inside what begins in line 1"),
        ('[{"id": 1},\n', "the file ends inside what begins in line"),
        ('{"id": 1,\n"title": "a"}', "no array of objects"),
        ("[1, 2]", "no array of objects"),
        ("[]", "no array of objects"),
        ("", "no array of objects"),
        ("<html>", "this is an HTML page"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem) as error:
        read(tmp_path, text)
    assert error.value.remedy


def test_each_is_read_as_what_it_is(tmp_path: Path) -> None:
    lines = '{"id": 1, "variants": [{"id": 8}]}\n{"id": 2}\n'
    assert ids(read(tmp_path, lines, "a.json")[0]) == [("1", 1), ("2", 2)]
    assert read(tmp_path, lines, "a.json")[1] == ["read as JSON Lines"]
    assert ids(read(tmp_path, '{"id": 1, "tags": ["a"]}', "a.json")[0]) == [("1", 1)]
    for array in ('[{"id": 1}]', "[\n{\n" + '"id": 1}\n]', '{\n"products": [{"id": 1}]}'):
        rows, said = read(tmp_path, array, "a.jsonl")
        assert [row.values for row in rows] == [{"id": 1}]
        assert said == ["read as a JSON array"]


def test_memory_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.write(b"[")
        for number in range(20_000):
            file.write(b'{"id": %d, "title": "%s"},' % (number, b"x" * 1000))
        file.write(b'{"id": 20000}]')
    tracemalloc.start()
    try:
        count = sum(1 for _ in open_rows(str(path), "json"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_001
    assert peak < 5 * 1024**2
    monkeypatch.setattr(json_array, "MAX_LINE_BYTES", 1000)
    path.write_bytes(b'[{"id": "' + b"x" * 2_000_000)
    with pytest.raises(SourceError, match="longer than 1,000 bytes without an end"):
        list(open_rows(str(path), "json"))


@pytest.mark.parametrize(
    "text", ["[" * 400_000, "[" + "{" * 200_000 + "]" * 200_000, '["' * 99_999]
)
def test_brackets_without_end_take_linear_time(tmp_path: Path, text: str) -> None:
    """With a search through the open ones for each closing bracket, this takes minutes."""
    with pytest.raises(SourceError):
        read(tmp_path, text)


def test_many_keys_of_which_the_last_is_doubled_take_linear_time(tmp_path: Path) -> None:
    """With a count for each key, this takes minutes."""
    keys = "".join(f'"k{n}": 1, ' for n in range(200_000))
    rows, _ = read(tmp_path, f'{{{keys}"k199999": 1}}', "a.jsonl")
    assert "the key 'k199999' occurs twice in one object" in str(rows[0].problem)


def test_the_name_shows_it_and_the_number_of_rows_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1}]')
    (source,) = find_sources([str(tmp_path)])
    assert source == (str(path), "json")
    assert estimated_rows(source) is None
