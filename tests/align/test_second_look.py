"""The reranker's say: the bundled model, for languages it knows, and no pair twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from es_hybrid.align.blocking import Candidate
from es_hybrid.align.engine import judge, read_sides
from es_hybrid.align.journal import Journal
from es_hybrid.align.scoring import Weights
from es_hybrid.align.second_look import SecondLook
from es_hybrid.errors import RerankError, SettingsError
from es_hybrid.records import Product
from es_hybrid.reranking import BUNDLED
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.retrieval.response import StageRank
from es_hybrid.settings import AlignSettings, RerankSettings

LEFTS = [
    Product(id="k", lang="en", title="electric kettle 1.7 l", category=("Kitchen",)),
    Product(id="s", lang="en", title="kitchen scale", category=("Kitchen",)),
]
RIGHTS = [
    Product(id="k2", lang="en", title="kettle, electric, 1.7 litres"),
    Product(id="s2", lang="en-GB", title="digital kitchen scale"),
    Product(id="z", lang="ja", title="電気ケトル"),
]


class _Counting(OnnxReranker):
    asked: list[tuple[str, tuple[str, ...], str | None]]
    breaks = False

    def score(self, query, documents, instruction=None, **options):  # type: ignore[no-untyped-def]
        if self.breaks and query.startswith("kitchen"):
            raise RerankError("the model broke")
        self.asked.append((query, tuple(documents), instruction))
        return super().score(query, documents, instruction, **options)


@pytest.fixture
def reranker() -> _Counting:
    made = _Counting(BUNDLED)
    made.asked = []
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal.made(tmp_path / "s.sqlite")
    made.begin({"left": "l", "right": "r", "right_side": "right"})
    found = [Candidate(right, 0.8, {"knn": StageRank(1, 0.8)}) for right in RIGHTS]
    made.add((left, found) for left in LEFTS)
    return made


def _look(reranker: _Counting, **align: object) -> SecondLook:
    return SecondLook(
        reranker,
        settings=AlignSettings.model_validate(align),
        rerank=RerankSettings(),
        text=lambda product: product.title,
    )


def _decide(journal: Journal, look: SecondLook) -> None:
    judge(
        journal, settings=AlignSettings(rerank_from=0.0), weights=Weights.read(None),
        encoder="e", second_look=look, progress=lambda step, done, total: None,
    )  # fmt: skip


def test_it_scores_what_it_knows_and_leaves_the_rest_to_the_vectors(
    journal: Journal, reranker: _Counting
) -> None:
    _decide(journal, _look(reranker, rerank_from=0.0, instructions={"Kitchen": "industrial"}))
    records = {record.pair: record for record in journal.records()}
    assert {pair: record.scorer for pair, record in records.items()} == {
        ("k", "k2"): "reranker", ("k", "s2"): "reranker", ("k", "z"): "vectors",
        ("s", "k2"): "reranker", ("s", "s2"): "reranker", ("s", "z"): "vectors",
    }  # fmt: skip
    assert records["k", "k2"].instruction.startswith("Judge whether the industrial part")
    assert "sha256:" in records["k", "k2"].model
    alone = OnnxReranker(BUNDLED).score(LEFTS[1].title, [RIGHTS[1].title])
    stages = records["s", "s2"].stages
    assert stages["rerank"].score == pytest.approx(float(alone[0]), abs=0.02)
    mean = (
        reranker.weight * stages["rerank"].score + (1 - reranker.weight) * stages["vectors"].score
    )
    assert records["s", "s2"].score == pytest.approx(mean)


def test_a_broken_run_resumes_and_scores_no_pair_twice(
    journal: Journal, reranker: _Counting
) -> None:
    reranker.breaks = True
    with pytest.raises(RerankError, match="the model broke"):
        _decide(journal, _look(reranker, rerank_from=0.0))
    assert [query for query, _, _ in reranker.asked] == ["electric kettle 1.7 l"]
    reranker.breaks = False
    _decide(journal, _look(reranker, rerank_from=0.0))
    assert [query for query, _, _ in reranker.asked] == ["electric kettle 1.7 l", "kitchen scale"]
    _decide(journal, _look(reranker, rerank_from=0.0))
    assert len(reranker.asked) == 2


def test_scores_of_another_instruction_are_not_reused(
    journal: Journal, reranker: _Counting
) -> None:
    _decide(journal, _look(reranker, rerank_from=0.0))
    _decide(journal, _look(reranker, rerank_from=0.0, instructions={"Kitchen": "baby"}))
    assert len(reranker.asked) == 4


def test_an_unknown_instruction_in_the_settings_is_an_error(
    journal: Journal, reranker: _Counting
) -> None:
    look = _look(reranker, rerank_from=0.0, instructions={"Kitchen": "kitchn"})
    with pytest.raises(SettingsError, match=r"align\.instructions: .* category 'kitchn'"):
        _decide(journal, look)


def test_only_likely_pairs_are_asked_about(journal: Journal, reranker: _Counting) -> None:
    sides = read_sides(journal)
    scores = {pair.ids: 0.9 if pair.left_id == "k" else 0.01 for pair in journal.found()}
    found = _look(reranker).scores(
        journal, sides.left, sides.right, scores, lambda step, done, total: None
    )
    assert set(found) == {("k", "k2"), ("k", "s2")}
    assert all(np.isfinite(look.score) for look in found.values())
