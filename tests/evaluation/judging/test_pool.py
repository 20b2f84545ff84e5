"""Files of results to judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError, StorageError
from es_hybrid.evaluation.judging.pool import read_pool, write_pool
from tests.evaluation.judging.items import POOL, item


def test_a_pool_is_read_as_it_was_written_and_each_pair_once(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    write_pool([*POOL, item("q1", "a", title="again")], path)
    assert read_pool(path) == POOL


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"pool\.jsonl: no pool yet"),
        (
            b'{"query_id":"q","query":"x","id":"1"}\n\n{"query":1}\n',
            r"pool\.jsonl:3: no item",
        ),
        (b"\xff\n", r"pool\.jsonl:1: not UTF-8"),
    ],
)
def test_a_bad_pool_is_named_by_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "pool.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match=message):
        read_pool(path)


def test_a_pool_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_pool(POOL, tmp_path / "missing" / "pool.jsonl")
