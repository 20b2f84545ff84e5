"""Streaming an array out of a JSON document."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.json_elements import elements

LONG = "x" * 70_000  # longer than a chunk


def test_elements_of_every_length_are_what_json_reads(tmp_path: Path) -> None:
    values = [1, -2.5, "é" * 40_000, {"list": [1, {"a": LONG}]}, None, [], 12345, '"list": [']
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"before": LONG, "list": values, "after": 1}, indent=1), "utf-8")
    found = list(elements(path, "list"))
    # The inner list is a part of its element.
    assert [value for _, value in found] == values
    lines = path.read_text("utf-8").splitlines()
    starts = [int(place.rpartition(":")[2]) for place, _ in found]
    assert [lines[start - 1].strip()[0] for start in starts] == list('1-"{n[1"')


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    element = json.dumps({"query": "q" * 1000, "ratings": [{"docId": "1", "rating": 1}] * 20})
    path = tmp_path / "long.json"
    with path.open("w") as file:
        file.write('{"list": [' + ",\n".join([element] * 5000) + "]}")
    tracemalloc.start()
    count = sum(1 for _ in elements(path, "list"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5000
    assert peak < path.stat().st_size / 10


def test_a_cut_file_is_reported_after_its_whole_elements(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text('{"list": [\n{"a": 1},\n{"a": ')
    read = elements(path, "list")
    assert next(read) == (f"{path}:2", {"a": 1})
    with pytest.raises(EvaluationError, match=r"cut\.json:3: not JSON from here on"):
        next(read)
