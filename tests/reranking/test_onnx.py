"""The exported graph gives the scores of transformers."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from es_hybrid.errors import RerankError
from es_hybrid.reranking import qwen3
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.export.qwen3_graph import Dtype
from es_hybrid.reranking.manifest import Manifest, checksums
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.qwen3 import Qwen3Scorer
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION
from tests.reranking.checkpoints import DOCUMENTS, QUERY, Reference, make_checkpoint

Load = Callable[[Path], Reference]
CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers() and (
    torch.cuda.is_available()
)


def export(checkpoint: Path, folder: Path, dtype: Dtype = "fp32") -> Path:
    export_qwen3(Checkpoint(checkpoint), folder, source="tiny", dtype=dtype)
    return folder


@pytest.fixture(scope="module")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(checkpoint, tmp_path_factory.mktemp("exported"))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("tied", [True, False])
def test_scores_do_not_depend_on_the_padding_side_of_the_original(
    side: str, tied: bool, tmp_path: Path, reference: Callable[..., Reference]
) -> None:
    checkpoint = make_checkpoint(tmp_path / "checkpoint", tied=tied)
    expected = reference(checkpoint, side).score(QUERY, DOCUMENTS, "Judge")
    scores = OnnxReranker(export(checkpoint, tmp_path / "model")).score(QUERY, DOCUMENTS, "Judge")
    np.testing.assert_allclose(scores, expected, atol=2e-6)


@pytest.mark.parametrize("budget", [1, 150, 512, 100_000])
def test_scores_equal_those_of_the_model_card(
    checkpoint: Path, model: Path, reference: Load, budget: int
) -> None:
    expected = reference(checkpoint).score(QUERY, DOCUMENTS, DEFAULT_INSTRUCTION)
    scores = OnnxReranker(model, token_budget=budget).score(QUERY, DOCUMENTS)
    assert scores.dtype == np.float32
    assert scores.shape == (len(DOCUMENTS),)
    assert expected.max() > 2 * expected.min(), "equal scores would prove nothing"
    np.testing.assert_allclose(scores, expected, atol=2e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"tied": False},
        {"theta": 10_000.0},
        {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 64},
        {"num_attention_heads": 6, "num_key_value_heads": 1, "head_dim": 16},
        {"num_hidden_layers": 1},
    ],
    ids=str,
)
def test_every_shape(change: dict[str, Any], tmp_path: Path, reference: Load) -> None:
    checkpoint = make_checkpoint(tmp_path / "checkpoint", **change)
    expected = reference(checkpoint).score(QUERY, DOCUMENTS, "Judge")
    scores = OnnxReranker(export(checkpoint, tmp_path / "model")).score(QUERY, DOCUMENTS, "Judge")
    np.testing.assert_allclose(scores, expected, atol=2e-6)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("labels", [1, 2])
def test_classifier_heads(labels: int, tied: bool, tmp_path: Path) -> None:
    """In batches of one, since transformers pools a batch by pad token and not by mask."""
    import transformers

    checkpoint = make_checkpoint(tmp_path / "checkpoint", labels=labels, tied=tied)
    reranker = OnnxReranker(export(checkpoint, tmp_path / "model"))
    original = transformers.Qwen3ForSequenceClassification.from_pretrained(checkpoint).eval()
    encoder = PromptEncoder(tmp_path / "model" / "tokenizer.json")
    head = encoder.head(QUERY, DEFAULT_INSTRUCTION)
    expected = []
    for row in encoder.documents(DOCUMENTS, len(head)):
        with torch.no_grad():
            logits = original(torch.tensor([head + row])).logits[0]
        column = logits[0] if labels == 1 else logits[1] - logits[0]
        expected.append(torch.sigmoid(column).item())
    np.testing.assert_allclose(reranker.score(QUERY, DOCUMENTS), expected, atol=2e-6)


# Without VNNI, sums of eight-bit products overflow, see `_by_column` of the export: 0.111 measured.
_HAS_VNNI = "vnni" in Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else True


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("fp16", 5e-3), ("int8", 0.1 if _HAS_VNNI else 0.15)]
)
def test_fp16_and_int8_are_close_to_the_original(
    checkpoint: Path, reference: Load, tmp_path: Path, dtype: Dtype, tolerance: float
) -> None:
    expected = reference(checkpoint).score(QUERY, DOCUMENTS, DEFAULT_INSTRUCTION)
    scores = OnnxReranker(export(checkpoint, tmp_path, dtype)).score(QUERY, DOCUMENTS)
    np.testing.assert_allclose(scores, expected, atol=tolerance)
    assert np.abs(scores - expected).max() > 1e-6, "this is the fp32 graph"


def test_one_document_with_and_without_the_cached_query(model: Path) -> None:
    """Without the shared head, with it, and with it from the cache."""
    reranker = OnnxReranker(model)
    alone = [reranker.score(QUERY, [document])[0] for document in DOCUMENTS]
    together = reranker.score(QUERY, DOCUMENTS)
    cached = [reranker.score(QUERY, [document])[0] for document in DOCUMENTS]
    np.testing.assert_allclose(alone, together, atol=2e-6)
    np.testing.assert_allclose(cached, together, atol=2e-6)


def test_the_cache_of_heads_is_bounded_and_keeps_queries_apart(model: Path) -> None:
    """By tokens, so that long queries do not take more memory than short ones."""
    reranker, fresh = OnnxReranker(model), OnnxReranker(model)
    queries = [f"{QUERY * (1 + i % 3)} {i}" for i in range(20)]
    for query in [*queries, *queries]:
        reranker.score(query, DOCUMENTS[:2])
        kept = reranker._scorer._heads  # type: ignore[attr-defined]
        assert 0 < sum(map(len, kept)) <= qwen3.TOKENS_KEPT
    for query in (queries[0], queries[-1]):
        np.testing.assert_array_equal(
            reranker.score(query, DOCUMENTS[:2]), fresh.score(query, DOCUMENTS[:2])
        )


def test_long_document_in_pieces(
    model: Path, checkpoint: Path, reference: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "Waterproof Action Camera 防水 " * 60
    expected = reference(checkpoint).score(QUERY, [document], DEFAULT_INSTRUCTION)
    whole = OnnxReranker(model).score(QUERY, [document])
    monkeypatch.setattr(qwen3, "PIECE", 100)
    pieces = OnnxReranker(model)
    np.testing.assert_allclose(whole, expected, atol=2e-6)
    np.testing.assert_allclose(pieces.score(QUERY, [document]), expected, atol=2e-6)
    np.testing.assert_allclose(pieces.score(QUERY, [document, "x"])[:1], expected, atol=2e-6)


def test_8192_tokens(model: Path, checkpoint: Path, reference: Load) -> None:
    document = "Kitchen Scale 电子秤 " * 3000
    reranker = OnnxReranker(model)
    encoder = PromptEncoder(model / "tokenizer.json")
    head = encoder.head(QUERY, "Judge")
    assert len(head) + len(encoder.documents([document], len(head))[0]) == 8192
    expected = reference(checkpoint).score(QUERY, [document], "Judge", max_length=8192)
    np.testing.assert_allclose(reranker.score(QUERY, [document], "Judge"), expected, atol=5e-6)


def test_truncation_equals_that_of_transformers(
    model: Path, checkpoint: Path, reference: Load
) -> None:
    expected = reference(checkpoint).score(QUERY, DOCUMENTS, "Judge", max_length=200)
    scores = OnnxReranker(model, max_length=200).score(QUERY, DOCUMENTS, "Judge")
    np.testing.assert_allclose(scores, expected, atol=2e-6)


def test_the_instruction_affects_the_scores(model: Path) -> None:
    reranker = OnnxReranker(model, instruction="Judge")
    usual = reranker.score(QUERY, DOCUMENTS)
    np.testing.assert_array_equal(usual, reranker.score(QUERY, DOCUMENTS, "Judge"))
    assert np.abs(usual - reranker.score(QUERY, DOCUMENTS, "Weigh")).max() > 1e-3


def test_concurrent_threads_get_the_same_scores(model: Path) -> None:
    reranker = OnnxReranker(model)
    queries = [f"{QUERY} {i}" for i in range(6)]
    expected = {query: OnnxReranker(model).score(query, DOCUMENTS) for query in queries}
    wrong: list[str] = []

    def work() -> None:
        for query in queries * 3:
            if not np.allclose(reranker.score(query, DOCUMENTS), expected[query], atol=2e-6):
                wrong.append(query)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_documents(model: Path) -> None:
    scores = OnnxReranker(model).score(QUERY, [])
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


def test_blank_query_is_an_error(model: Path) -> None:
    with pytest.raises(RerankError, match="blank"):
        OnnxReranker(model).score("  ", ["x"])


def test_ten_thousand_documents(model: Path) -> None:
    documents = [f"{DOCUMENTS[i % 2]} {i % 100}" for i in range(10_000)]
    scores = OnnxReranker(model).score(QUERY, documents)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[:100], scores[200:300], atol=2e-6)


def test_overflow_is_an_error_and_not_a_score(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = make_checkpoint(tmp_path / "checkpoint") / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"].fill_(float("inf"))
    save_file(weights, file)
    reranker = OnnxReranker(export(file.parent, tmp_path / "model"))
    with pytest.raises(RerankError, match="not a number in fp32"):
        reranker.score(QUERY, DOCUMENTS)


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_changed_or_missing_file_is_an_error(model: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(RerankError, match=f"{name}: changed since the export"):
        OnnxReranker(folder)
    (folder / name).unlink()
    with pytest.raises(RerankError, match=f"{name} is missing"):
        OnnxReranker(folder)


@pytest.mark.skipif(CUDA, reason="this machine has CUDA")
def test_a_fallback_from_cuda_is_reported(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    reranker = OnnxReranker(model, provider="cuda")
    assert reranker.fell_back
    assert reranker.provider == "cpu"
    assert "cuda was requested" in caplog.text
    assert not OnnxReranker(model).fell_back


@pytest.mark.skipif(not CUDA, reason="needs onnxruntime-gpu and a card")
@pytest.mark.parametrize(("dtype", "tolerance"), [("fp32", 1e-4), ("fp16", 5e-3)])
def test_cuda_scores_equal_those_of_the_model_card(
    checkpoint: Path, reference: Load, tmp_path: Path, dtype: Dtype, tolerance: float
) -> None:
    reranker = OnnxReranker(export(checkpoint, tmp_path, dtype), provider="cuda")
    assert not reranker.fell_back
    expected = reference(checkpoint).score(QUERY, DOCUMENTS, DEFAULT_INSTRUCTION)
    np.testing.assert_allclose(reranker.score(QUERY, DOCUMENTS), expected, atol=tolerance)
    alone = [reranker.score(QUERY, [document])[0] for document in DOCUMENTS]
    np.testing.assert_allclose(alone, expected, atol=tolerance)


def test_rerank_is_best_first(model: Path) -> None:
    reranker = OnnxReranker(model)
    order = reranker.rerank(QUERY, DOCUMENTS)
    scores = dict(zip(DOCUMENTS, reranker.score(QUERY, DOCUMENTS).tolist(), strict=True))
    assert [text for text, _ in order] == sorted(DOCUMENTS, key=lambda text: -scores[text])
    assert [score for _, score in order] == sorted(scores.values(), reverse=True)


def test_late_documents_keep_their_order(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that advances one second per batch leaves time for three batches."""
    clock = [0.0]
    monkeypatch.setattr("es_hybrid.reranking.turns.time.monotonic", lambda: clock[0])
    reranker = OnnxReranker(model, token_budget=1)
    score = Qwen3Scorer._score

    def slow(self: Qwen3Scorer, *arguments: Any) -> Any:
        clock[0] += 1
        return score(self, *arguments)

    monkeypatch.setattr(Qwen3Scorer, "_score", slow)
    documents = [f"{'camera ' * (30 - i)}{i}" for i in range(20)]
    order = reranker.rerank(QUERY, documents, deadline_ms=2500)
    scored = [text for text, score in order if np.isfinite(score)]
    assert len(scored) == 3
    assert set(scored) < set(documents[:8]), "the first documents are scored first"
    assert [text for text, _ in order[3:]] == [text for text in documents if text not in scored]
    assert reranker.rerank(QUERY, documents, deadline_ms=0)[0][0] == documents[0]


def test_a_token_unknown_to_the_graph_is_an_error(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reranker = OnnxReranker(model)
    unknown: Callable[..., list[list[int]]] = lambda self, texts, _: [[10**6]] * len(texts)  # noqa: E731
    monkeypatch.setattr(PromptEncoder, "documents", unknown)
    with pytest.raises(RerankError, match="the model cannot run"):
        reranker.score(QUERY, ["x", "y"])


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08\x0b"])
def test_an_invalid_graph_is_an_error(model: Path, tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    (folder / "model.onnx").write_bytes(content)
    manifest = Manifest.read(folder)
    replace(manifest, files=checksums(folder, manifest.files)).write(folder)
    with pytest.raises(RerankError, match="the graph cannot be loaded"):
        OnnxReranker(folder)


def _point_weights_to(folder: Path, location: str) -> None:
    graph = onnx.load(folder / "model.onnx", load_external_data=False)
    for tensor in graph.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    (folder / "model.onnx").write_bytes(graph.SerializeToString())


@pytest.mark.parametrize("location", ["../outside.data", "/etc/hostname"])
def test_weights_outside_the_folder_are_refused(model: Path, tmp_path: Path, location: str) -> None:
    """Even if the checksums match: the graph contains the path of its weights."""
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    shutil.copyfile(folder / "model.onnx.data", tmp_path / "outside.data")
    _point_weights_to(folder, location)
    manifest = Manifest.read(folder)
    replace(manifest, files=checksums(folder, manifest.files)).write(folder)
    with pytest.raises(RerankError, match="which the manifest does not list"):
        OnnxReranker(folder)


def test_a_file_missing_from_the_manifest_is_not_loaded(model: Path, tmp_path: Path) -> None:
    """ONNX Runtime would read it, although there is no checksum for it."""
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    _point_weights_to(folder, "other.data")
    (folder / "model.onnx.data").rename(folder / "other.data")
    manifest = Manifest.read(folder)
    files = checksums(folder, ["model.onnx", "tokenizer.json"])
    replace(manifest, files=files).write(folder)
    onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    with pytest.raises(RerankError, match=r"reads other\.data, which the manifest does not list"):
        OnnxReranker(folder)


def test_hard_linked_weights_give_the_same_scores(model: Path, tmp_path: Path) -> None:
    """Some caches use hard links; the loaded file is the one that was hashed."""
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    (folder / "model.onnx.data").unlink()
    os.link(model / "model.onnx.data", folder / "model.onnx.data")
    assert (folder / "model.onnx.data").stat().st_nlink == 2
    try:
        scores = OnnxReranker(folder).score(QUERY, DOCUMENTS)
    except RerankError as error:
        assert "the graph cannot be loaded" in str(error)  # noqa: PT017 - either is right
    else:
        np.testing.assert_array_equal(scores, OnnxReranker(model).score(QUERY, DOCUMENTS))


def test_symlinked_weights_are_refused(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    (folder / "model.onnx.data").unlink()
    (folder / "model.onnx.data").symlink_to(model / "model.onnx.data")
    with pytest.raises(RerankError, match="not a file of this folder"):
        OnnxReranker(folder)


def test_10_000_candidates(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(
        tmp_path / "checkpoint", num_hidden_layers=1, hidden_size=32, head_dim=8
    )
    reranker = OnnxReranker(export(checkpoint, tmp_path / "model"), token_budget=4096)
    documents = [f"{DOCUMENTS[i % 2][: i % 17]} {i}" for i in range(10_000)]
    scores = reranker.score(QUERY, documents)
    assert np.isfinite(scores).all()
    some = [0, 4999, 9999]
    alone = reranker.score(QUERY, [documents[i] for i in some])
    np.testing.assert_allclose(scores[some], alone, atol=2e-6)


def test_a_document_of_1_300_words_is_read_completely(
    model: Path, checkpoint: Path, reference: Load
) -> None:
    words = [
        "Waterproof",
        "Action",
        "Camera",
        "Kitchen",
        "Scale",
        "Wasserkocher",
        "acier",
        "agua",
        "kettle",
        "泵",
    ] * 130
    manual, translated = " ".join(words), " ".join(reversed(words))
    encoder = PromptEncoder(model / "tokenizer.json")
    assert 1300 < len(encoder.documents([manual], 0)[0]) < 8000, "nothing must be truncated"
    expected = reference(checkpoint).score(manual[:400], [manual, translated], "Judge")
    reranker = OnnxReranker(model)
    scores = reranker.score(manual[:400], [manual, translated], "Judge")
    np.testing.assert_allclose(scores, expected, atol=5e-6)
    other_end = reranker.score(manual[:400], [f"{manual} other", translated], "Judge")
    assert abs(float(other_end[0] - scores[0])) > 1e-6, "the end was not read"


def test_not_a_reranker_is_refused(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "checkpoint")
    described = json.loads((checkpoint / "tokenizer.json").read_text())
    vocabulary = described["model"]["vocab"]
    described["model"]["merges"] = [
        merge for merge in described["model"]["merges"] if "".join(merge) not in ("yes", "no")
    ]
    assert "yes" in vocabulary
    (checkpoint / "tokenizer.json").write_text(json.dumps(described))
    with pytest.raises(RerankError, match="tokens, not one"):
        export(checkpoint, tmp_path / "model")


def test_a_full_disk_is_reported_before_anything_is_written(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("es_hybrid.reranking.export.room.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(RerankError, match=r"needs .* GB on disk"):
        export(checkpoint, tmp_path / "model")
    assert list((tmp_path / "model").iterdir()) == []


def test_an_interrupted_export_leaves_no_model(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = export(checkpoint, tmp_path / "model")

    def fail(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("es_hybrid.reranking.export.qwen3.shutil.copyfile", fail)
    with pytest.raises(KeyboardInterrupt):
        export(checkpoint, folder)
    with pytest.raises(RerankError, match=r"no manifest\.json"):
        OnnxReranker(folder)
