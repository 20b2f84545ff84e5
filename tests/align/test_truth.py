"""The truth, in the three forms people keep it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.align.truth import read_truth
from es_hybrid.errors import AlignError


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "truth.tsv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "id\tgroup\na-en\ta\na-de\ta\nb-en\tb\nb-de\tb\n",
        "sku,en,de,fr\na,a-en,a-de,\nb,b-en,b-de,\n",
        "left\tright\tsame\na-de\ta-en\t1\nb-en\tb-de\tyes\na-en\tb-en\t0\na-de\tb-de\tno\n",
    ],
)
def test_every_form_says_the_same(tmp_path: Path, text: str) -> None:
    truth = read_truth(_file(tmp_path, "\ufeff" + text))
    assert truth.same("a-en", "a-de") is truth.same("a-de", "a-en") is True
    assert truth.same("b-en", "a-en") is False
    assert truth.same("a-en", "unheard-of") is None
    assert sorted(truth.right_pairs()) == [("a-de", "a-en"), ("b-de", "b-en")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no rows below the header"),
        ("id\tgroup\n", "no rows below the header"),
        ("this\tthat\n1\t2\n", "unknown columns: this, that"),
        ("id\tgroup\na\t1\na\t2\n", "a is in the groups 1 and 2"),
        ("left\tright\tsame\na\tb\tperhaps\n", "truth.tsv:2: not `left, right, same`"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(AlignError, match=problem):
        read_truth(_file(tmp_path, text))
    with pytest.raises(AlignError, match="cannot be read"):
        read_truth(tmp_path / "absent")
