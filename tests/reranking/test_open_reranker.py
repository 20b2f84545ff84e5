"""Opening the configured reranker."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from es_hybrid.errors import RerankError, SettingsError
from es_hybrid.reranking import open_reranker, required_reranker
from es_hybrid.reranking.export import export
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.remote import RemoteReranker
from es_hybrid.settings import RerankSettings, load_settings
from tests.reranking.classifiers import make_classifier


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    export(str(make_classifier(folder / "checkpoint")), folder / "reranker", languages=["en"])
    return folder / "reranker"


def test_the_bundled_model_is_the_default(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.reranking.BUNDLED", bundled)
    reranker = open_reranker(RerankSettings())
    assert isinstance(reranker, OnnxReranker)
    assert reranker.folder == bundled
    assert reranker.languages == {"en"}


def test_disabled(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.reranking.BUNDLED", bundled)
    settings = RerankSettings(enabled=False)
    assert open_reranker(settings) is None
    with pytest.raises(SettingsError, match=r"rerank\.enabled: reranking is disabled"):
        required_reranker(settings)


def test_without_any_model_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.reranking.BUNDLED", tmp_path / "none")
    assert open_reranker(RerankSettings()) is None
    with pytest.raises(SettingsError, match="es-hybrid model export"):
        required_reranker(RerankSettings())


def test_without_onnx_runtime_there_is_no_reranker(
    bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("es_hybrid.reranking.BUNDLED", bundled)
    find = importlib.util.find_spec

    def without_runtime(name: str) -> ModuleSpec | None:
        return None if name == "onnxruntime" else find(name)

    monkeypatch.setattr("es_hybrid.reranking.importlib.util.find_spec", without_runtime)
    assert open_reranker(RerankSettings()) is None


def test_a_server_instead_of_a_model() -> None:
    reranker = open_reranker(RerankSettings(url="http://127.0.0.1:9/v1/rerank", canaries=False))
    assert isinstance(reranker, RemoteReranker)
    assert reranker.languages == frozenset()


def test_a_folder_that_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(RerankError, match=r"no manifest\.json"):
        open_reranker(RerankSettings(model=tmp_path))


def test_contradicting_settings() -> None:
    for wrong, words in (
        ({"model": "m", "url": "http://h/"}, "keep one"),
        ({"category": "nowhere"}, "no instruction for category 'nowhere'"),
        ({"deadline_ms": 0}, "deadline_ms"),
    ):
        with pytest.raises(SettingsError, match=words):
            load_settings(flags={"rerank": wrong})


def test_custom_categories_are_added_to_the_built_in_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ES_HYBRID_RERANK__INSTRUCTIONS__TOYS", "Judge the toy")
    monkeypatch.setenv("ES_HYBRID_RERANK__INSTRUCTIONS__BABY", "Judge the seat")
    monkeypatch.setenv("ES_HYBRID_RERANK__CATEGORY", "toys")
    settings = load_settings().rerank
    assert settings.instruction_for() == "Judge the toy"
    assert settings.instruction_for("baby") == "Judge the seat"
    assert "voltage" in settings.instruction_for("industrial")
