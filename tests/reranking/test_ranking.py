"""Scoring within a deadline, the order of the scores, and `rerank` with the settings."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from es_hybrid.errors import InvalidRequest, SettingsError
from es_hybrid.reranking import rerank, score_within
from es_hybrid.reranking.export import export
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.ranking import Scored
from es_hybrid.settings.instructions import INSTRUCTIONS
from tests.fakes.models import FakeReranker
from tests.reranking.checkpoints import DOCUMENTS, QUERY, make_checkpoint


def scored_as(*scores: float) -> Scored:
    return Scored(
        query="electric kettle",
        documents=["a", "b", "c", "d"],
        scores=scores,
        languages=frozenset(),
        milliseconds=1.0,
    )


def test_best_first_and_equal_ones_as_given() -> None:
    scored = scored_as(0.25, 0.75, 0.25, 1.0)
    assert scored.order == [3, 1, 0, 2]
    assert scored.late == 0
    assert scored.ranked() == [
        ("d", 1.0),
        ("b", 0.75),
        ("a", 0.25),
        ("c", 0.25),
    ]


def test_unscored_ones_follow_as_given() -> None:
    scored = scored_as(math.nan, 0.0, math.nan, 0.5)
    assert scored.order == [3, 1, 0, 2]
    assert scored.late == 2
    order = scored.ranked()
    assert [text for text, _ in order] == ["d", "b", "a", "c"]
    assert [math.isnan(score) for _, score in order] == [False, False, True, True]


def test_a_deadline_is_on_the_monotonic_clock() -> None:
    shortest = FakeReranker()
    before = time.monotonic()
    scored = score_within(shortest, "q", ["longest", "xxx"], "Judge", seconds=60)
    ((_, _, instruction, deadline, raw),) = shortest.calls
    assert (instruction, raw) == ("Judge", False)
    assert deadline is not None
    assert before + 60 <= deadline <= time.monotonic() + 60
    assert scored.scores == [0.125, 0.25]
    assert 0 <= scored.milliseconds <= (time.monotonic() - before) * 1000


def test_without_a_deadline() -> None:
    shortest = FakeReranker()
    score_within(shortest, "q", ["x"], seconds=None, raw=True)
    ((_, _, instruction, deadline, raw),) = shortest.calls
    assert (instruction, deadline, raw) == (None, None, True)


def test_a_language_the_reranker_does_not_support_is_noted() -> None:
    assert scored_as(1, 1, 1, 1).misfit() is None
    chinese = Scored(
        query="电子秤",
        documents=["厨房电子秤"],
        scores=[1.0],
        languages=frozenset({"en"}),
        milliseconds=1.0,
    )
    assert chinese.misfit() == "the model is for en, these products look like zh"


@pytest.fixture(autouse=True)
def _empty_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_any_reranker() -> None:
    shortest = FakeReranker()
    assert rerank("q", ["longest", "xxx"], reranker=shortest) == [("xxx", 0.25), ("longest", 0.125)]
    assert rerank("q", [], reranker=shortest) == []
    assert [call.instruction for call in shortest.calls] == [INSTRUCTIONS["search"]] * 2
    assert [call.deadline for call in shortest.calls] == [None] * 2


def test_the_instruction_is_that_of_the_category() -> None:
    shortest = FakeReranker()
    rerank("q", ["x"], reranker=shortest, category="baby")
    assert "ECE R44/04" in str(shortest.calls[0].instruction)
    with pytest.raises(InvalidRequest, match=r"no instruction for category 'bayb'.*baby"):
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
    assert order == ranked_by(tmp_path / "model", "general")


def test_each_working_folder_has_its_own_settings_and_model(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both settings name the same relative path, which is another model in the other folder."""
    other = make_checkpoint(tmp_path / "checkpoint", initializer_range=0.3)
    for name, source, category in (("a", checkpoint, "general"), ("b", other, "baby")):
        export(str(source), tmp_path / name / "model")
        text = f'[rerank]\nmodel = "model"\ncategory = "{category}"\n'
        (tmp_path / name / "es-hybrid.toml").write_text(text)
    found = []
    for name in ("a", "b", "a"):
        monkeypatch.chdir(tmp_path / name)
        found.append(rerank(QUERY, DOCUMENTS))
    expected = [ranked_by(tmp_path / "a/model", "general"), ranked_by(tmp_path / "b/model", "baby")]
    assert expected[0] != expected[1]
    assert found == [*expected, expected[0]]


def test_the_same_relative_path_in_another_folder_is_another_model(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of both folders are equal, word for word."""
    other = make_checkpoint(tmp_path / "checkpoint", initializer_range=0.3)
    monkeypatch.setenv("ES_HYBRID_RERANK__MODEL", "model")
    for name, source in (("a", checkpoint), ("b", other)):
        export(str(source), tmp_path / name / "model")
        monkeypatch.chdir(tmp_path / name)
        assert rerank(QUERY, DOCUMENTS) == ranked_by(tmp_path / name / "model", "search")


def test_a_changed_settings_file_counts_from_the_next_call(tmp_path: Path) -> None:
    settings, shortest = tmp_path / "es-hybrid.toml", FakeReranker()
    for category in ("general", "baby"):
        settings.write_text(f'[rerank]\ncategory = "{category}"\n')
        rerank("q", ["x"], reranker=shortest)
    assert [call.instruction for call in shortest.calls] == [
        INSTRUCTIONS["general"],
        INSTRUCTIONS["baby"],
    ]


def ranked_by(model: Path, category: str) -> list[tuple[str, float]]:
    return OnnxReranker(model).rerank(QUERY, DOCUMENTS, INSTRUCTIONS[category])


def test_reranking_disabled_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "es-hybrid.toml").write_text("[rerank]\nenabled = false\n")
    with pytest.raises(SettingsError, match="reranking is disabled"):
        rerank("q", ["x"])


def _must_not_be_called(*arguments: object, **options: object) -> None:
    raise AssertionError("opened again")
