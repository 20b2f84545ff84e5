"""The parity check passes equal models, fails others, and the runtime respects its verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from es_hybrid.errors import RerankError
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.reference import TransformersReference
from es_hybrid.reranking.verify import ScoreParity, kendall_tau, verify
from tests.reranking.checkpoints import DOCUMENTS, QUERY, make_checkpoint


@pytest.fixture
def model(checkpoint: Path, tmp_path: Path) -> Path:
    export_qwen3(Checkpoint(checkpoint), tmp_path / "model", source="tiny")
    return tmp_path / "model"


def test_the_original_passes(checkpoint: Path, model: Path) -> None:
    reported: list[ScoreParity] = []
    reference = TransformersReference(checkpoint, Manifest.read(model))
    parity = verify(model, reference, report=reported.append)
    assert parity.passed
    assert parity.max_delta < 1e-5
    assert parity.kendall_tau == 1.0
    assert parity.provider == "cpu"
    assert [one.pairs for one in reported] == [24, 24, 24]
    assert Manifest.read(model).parity == parity
    OnnxReranker(model)


def test_another_model_fails_and_is_refused(model: Path, tmp_path: Path) -> None:
    other = make_checkpoint(tmp_path / "other", theta=10_000.0)
    manifest = Manifest.read(model)
    content = json.loads((other / "config.json").read_text())
    content["rms_norm_eps"] = 0.5
    (other / "config.json").write_text(json.dumps(content))
    assert not verify(model, TransformersReference(other, manifest)).passed
    with pytest.raises(RerankError, match="differ from the original"):
        OnnxReranker(model)


def test_a_difference_slightly_above_the_tolerance_fails(checkpoint: Path, model: Path) -> None:
    original = TransformersReference(checkpoint, Manifest.read(model))

    class Off:
        def score(
            self, query: str, documents: Sequence[str], instruction: str
        ) -> NDArray[np.float32]:
            return original.score(query, documents, instruction) + np.float32(2e-4)

    parity = verify(model, Off())
    assert not parity.passed
    assert parity.kendall_tau > 0.99


def test_int8_is_judged_by_order(checkpoint: Path, tmp_path: Path) -> None:
    export_qwen3(Checkpoint(checkpoint), tmp_path / "int8", source="tiny", dtype="int8")
    reference = TransformersReference(checkpoint, Manifest.read(tmp_path / "int8"))
    parity = verify(tmp_path / "int8", reference)
    assert parity.tolerance is None
    assert parity.max_delta > 1e-4
    assert parity.passed == (parity.kendall_tau >= 0.9)


def test_the_reference_scores_as_in_the_model_card(
    checkpoint: Path, model: Path, request: pytest.FixtureRequest
) -> None:
    official = request.getfixturevalue("reference")(checkpoint).score(QUERY, DOCUMENTS, "Judge")
    scores = TransformersReference(checkpoint, Manifest.read(model)).score(
        QUERY, DOCUMENTS, "Judge"
    )
    np.testing.assert_allclose(scores, official, atol=2e-6)


def test_the_rope_base_is_kept(checkpoint: Path, model: Path, tmp_path: Path) -> None:
    """A checkpoint saved by transformers 5 and read by transformers 4."""
    newer = tmp_path / "newer"
    shutil.copytree(checkpoint, newer)
    content = json.loads((newer / "config.json").read_text())
    content["rope_parameters"] = {"rope_type": "default", "rope_theta": content.pop("rope_theta")}
    (newer / "config.json").write_text(json.dumps(content))
    export_qwen3(Checkpoint(newer), tmp_path / "again", source="tiny")
    scores = OnnxReranker(tmp_path / "again").score(QUERY, DOCUMENTS)
    np.testing.assert_array_equal(scores, OnnxReranker(model).score(QUERY, DOCUMENTS))
    assert verify(tmp_path / "again", TransformersReference(newer, Manifest.read(model))).passed


@pytest.mark.parametrize("seed", range(5))
def test_kendall_tau_is_scipys(seed: int) -> None:
    random = np.random.default_rng(seed)
    first = random.integers(0, 8, 20).astype(np.float32)
    second = first + random.integers(-2, 3, 20).astype(np.float32)
    expected = stats.kendalltau(first, second).statistic
    assert kendall_tau(first, second) == pytest.approx(expected)


def test_kendall_tau_without_an_order() -> None:
    nothing = np.zeros(3, dtype=np.float32)
    assert kendall_tau(nothing, nothing) == 1.0
