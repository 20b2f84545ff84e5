"""What an argument names: a file or an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import AlignError
from es_hybrid.settings import Settings
from ingest.align.catalogue import index_of, products_of
from ingest.align.export import check_target


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("products", "products"),
        ("es://products", "products"),
        ("products-v2", "products-v2"),
        ("products.jsonl", None),
        ("absent.csv.gz", None),
        ("feeds/products", None),
        ("s3://bucket/products", None),
        ("products.txt", None),
    ],
)
def test_a_bare_name_that_is_not_a_file_is_an_index(name: str, index: str | None) -> None:
    assert index_of(name) == index


def test_a_file_without_a_suffix_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("products").touch()
    assert index_of("products") is None


def test_a_file_of_rejected_rows_is_not_a_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"id": "1"}\n{"id": "2", "title": " "}\n' * 3, encoding="utf-8")
    said: list[str] = []
    with pytest.raises(AlignError, match="it contains no product"):
        products_of(str(file), Settings(), file_format=None, say=said.append)
    assert len(said) == 4
    assert "title: missing" in said[0]
    assert said[3] == "skipped: 3 more rows"


def test_a_target_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    check_target(None)
    check_target(tmp_path / "pairs.csv")
    with pytest.raises(AlignError, match=r"end it in \.jsonl or \.csv"):
        check_target(tmp_path / "pairs.xlsx")
