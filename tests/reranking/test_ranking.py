"""Scores become an order in one place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.errors import SettingsError
from es_hybrid.reranking import ranked, ranking, rerank
from es_hybrid.reranking.export import export
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.settings.instructions import INSTRUCTIONS
from tests.reranking.checkpoints import DOCUMENTS, QUERY


def test_best_first_and_equal_ones_as_given() -> None:
    scores = np.array([0.25, 0.75, 0.25, 1.0], dtype=np.float32)
    assert ranked(["a", "b", "c", "d"], scores) == [
        ("d", 1.0),
        ("b", 0.75),
        ("a", 0.25),
        ("c", 0.25),
    ]


def test_unscored_ones_follow_as_given() -> None:
    scores = np.array([math.nan, 0.0, math.nan, 0.5], dtype=np.float32)
    order = ranked(["a", "b", "c", "d"], scores)
    assert [text for text, _ in order] == ["d", "b", "a", "c"]
    assert [math.isnan(score) for _, score in order] == [False, False, True, True]


class Shortest:
    """The shorter the text, the better; and late where there is a deadline."""

    languages: frozenset[str] = frozenset()
    weight = 1.0
    weight = 1.0

    def __init__(self) -> None:
        self.told: list[tuple[str | None, float | None]] = []

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
    ) -> NDArray[np.float32]:
        self.told.append((instruction, deadline))
        return np.array([1 / len(text) for text in documents], dtype=np.float32)


@pytest.fixture(autouse=True)
def _settings_of_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    ranking._settings.cache_clear()
    ranking._configured.cache_clear()
    yield
    ranking._settings.cache_clear()
    ranking._configured.cache_clear()


def test_any_reranker() -> None:
    shortest = Shortest()
    assert rerank("q", ["long", "xx"], reranker=shortest) == [("xx", 0.5), ("long", 0.25)]
    assert rerank("q", [], reranker=shortest) == []
    assert shortest.told == [(INSTRUCTIONS["search"], None)] * 2


def test_the_instruction_is_that_of_the_category() -> None:
    shortest = Shortest()
    rerank("q", ["x"], reranker=shortest, category="baby")
    assert "ECE R44/04" in str(shortest.told[0][0])
    with pytest.raises(SettingsError, match=r"no instruction for category 'bayb'.*baby"):
        rerank("q", ["x"], reranker=shortest, category="bayb")


def test_the_reranker_of_the_settings_is_opened_once(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(str(checkpoint), tmp_path / "model")
    (tmp_path / "es-hybrid.toml").write_text('[rerank]\nmodel = "model"\ncategory = "general"\n')
    order = rerank(QUERY, DOCUMENTS)
    with monkeypatch.context() as changed:
        changed.setattr(OnnxReranker, "__init__", _must_not_be_called)
        assert rerank(QUERY, DOCUMENTS) == order
    scores = OnnxReranker(tmp_path / "model").score(QUERY, DOCUMENTS, INSTRUCTIONS["general"])
    assert order == ranked(DOCUMENTS, scores)


def test_reranking_switched_off_is_said(tmp_path: Path) -> None:
    (tmp_path / "es-hybrid.toml").write_text("[rerank]\nenabled = false\n")
    with pytest.raises(SettingsError, match="switched off"):
        rerank("q", ["x"])


def _must_not_be_called(*arguments: object, **options: object) -> None:
    raise AssertionError("opened again")
