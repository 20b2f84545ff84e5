"""An exported cross-encoder gives the scores of transformers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import es_hybrid.reranking.onnx as onnx_reranker
from es_hybrid.errors import RerankError
from es_hybrid.reranking.classifier import PairEncoder, longest_first
from es_hybrid.reranking.export import Dtype, classifier, export
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.onnx import CHARS_PER_TOKEN, OnnxReranker
from es_hybrid.reranking.reference import TransformersReference
from es_hybrid.reranking.tokens import plain_tokenizer, read_tokenizer
from es_hybrid.reranking.verify import verify
from tests.reranking.checkpoints import DOCUMENTS, QUERY
from tests.reranking.classifiers import KINDS, make_classifier

FLOAT = onnx.TensorProto.FLOAT
LONG = "electric kettle " * 400


def reference(checkpoint: Path, documents: list[str], query: str = QUERY) -> Any:
    """Scores of transformers, in one padded batch."""
    import torch
    import transformers

    load: Any = transformers
    model = load.AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    tokenizer = load.AutoTokenizer.from_pretrained(checkpoint)
    inputs = tokenizer(
        [query] * len(documents), documents, padding=True, truncation=True, return_tensors="pt"
    )
    with torch.no_grad():
        logits = model(**inputs).logits
    if logits.shape[1] == 1:
        return torch.sigmoid(logits[:, 0]).numpy()
    return torch.softmax(logits, dim=1)[:, 1].numpy()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {kind: make_classifier(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}
    return {kind: folder / "tokenizer.json" for kind, folder in folders.items()}


@pytest.fixture(scope="module")
def model(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export(str(bert), folder, languages=["en", "zh"])
    return folder


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_those_of_the_original(kind: str, labels: int, tmp_path: Path) -> None:
    checkpoint = make_classifier(tmp_path / "checkpoint", kind, labels=labels)
    done: list[tuple[int, int]] = []
    manifest = export(str(checkpoint), tmp_path / "model", progress=lambda *step: done.append(step))
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert manifest.architecture == "classifier"
    assert manifest.max_length == 256
    documents = [*DOCUMENTS, LONG]
    expected = reference(checkpoint, documents)
    logits = np.log(expected / (1 - expected))
    assert np.ptp(logits) > 0.5, "equal scores would prove nothing"
    for budget in (1, 100, 100_000):
        reranker = OnnxReranker(tmp_path / "model", token_budget=budget)
        scores = reranker.score(QUERY, documents)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected, atol=2e-6)


def test_a_long_query_is_truncated_as_by_transformers(bert: Path, model: Path) -> None:
    documents = ["x", LONG]
    expected = reference(bert, documents, query=LONG)
    np.testing.assert_allclose(OnnxReranker(model).score(LONG, documents), expected, atol=2e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [("fp16", 5e-3), ("int8", 0.1)])
def test_fp16_and_int8_are_close_to_the_original(
    bert: Path, tmp_path: Path, dtype: Dtype, tolerance: float
) -> None:
    export(str(bert), tmp_path, dtype=dtype)
    scores = OnnxReranker(tmp_path).score(QUERY, DOCUMENTS)
    expected = reference(bert, DOCUMENTS)
    np.testing.assert_allclose(scores, expected, atol=tolerance)
    assert np.abs(scores - expected).max() > 1e-6, "this is the fp32 graph"


def test_verify_passes_only_the_original(bert: Path, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    manifest = Manifest.read(folder)
    assert verify(folder, TransformersReference(bert, manifest)).passed
    assert Manifest.read(folder).parity is not None
    other = make_classifier(tmp_path / "other", initializer_range=0.2)
    assert not verify(folder, TransformersReference(other, manifest)).passed
    with pytest.raises(RerankError, match="differ from the original"):
        OnnxReranker(folder)


def test_languages_come_from_the_manifest(model: Path) -> None:
    assert OnnxReranker(model).languages == {"en", "zh"}


def test_control_tokens_in_user_text_are_text(model: Path) -> None:
    encoder = PairEncoder(model / "tokenizer.json", max_length=256)
    described = json.loads((model / "tokenizer.json").read_text())
    control = {token["content"]: token["id"] for token in described["added_tokens"]}
    assert {"[CLS]", "[SEP]", "[PAD]", "[UNK]"} <= set(control)
    for mark in control:
        ids, types = encoder.pair(*encoder.encode([f"scale {mark} kettle", f"camera {mark} scale"]))
        assert ids.count(control["[SEP]"]) == 2
        assert ids.count(control["[CLS]"]) == 1
        assert control["[PAD]"] not in ids
        assert (ids[0], ids[-1]) == (control["[CLS]"], control["[SEP]"])
        assert types == sorted(types)


TEXTS = st.lists(
    st.sampled_from(
        ["kettle", "Wasserkochergehäusedeckeldichtung", "防水运动相机4K超清", "電気ケトル",
         "กาต้มน้ำไฟฟ้า",
         "👩‍🔬", "x" * 90, "https://example.com/a-b_c?d=1.7", "§", "1.7", "\n", " "]
    ),
    max_size=60,
).map(" ".join)  # fmt: skip


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=TEXTS, document=TEXTS, max_length=st.integers(5, 80))
@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_is_truncated_as_by_the_library(
    tokenizers: dict[str, Path], kind: str, query: str, document: str, max_length: int
) -> None:
    encoder = PairEncoder(tokenizers[kind], max_length=max_length)
    ids, types = encoder.pair(*encoder.encode([query, document]))
    library = plain_tokenizer(read_tokenizer(tokenizers[kind]), "", template=True)
    library.enable_truncation(max_length, strategy="longest_first")
    expected = library.encode(query, document)
    assert (ids, types) == (expected.ids, expected.type_ids)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(2, 40))
def test_both_lengths_fill_the_room(first: int, second: int, room: int) -> None:
    cut = longest_first(first, second, room)
    assert sum(cut) == min(first + second, room)
    assert all(0 <= new <= old for new, old in zip(cut, (first, second), strict=True))


def test_a_long_document_costs_no_more_than_its_start(model: Path) -> None:
    """A thousand times the text in the memory of one: the rest is not tokenized."""
    reranker = OnnxReranker(model)
    start = "electric kettle 1.7 l 电热水壶 " * 200
    scores = reranker.score(QUERY * 100, [start, start * 1000])
    np.testing.assert_array_equal(scores[0], scores[1])
    read: list[int] = []
    encoder = cast(Any, reranker._scorer).encoder
    encode = encoder.encode

    def encode_and_note(texts: Sequence[str]) -> Any:
        read.extend(map(len, texts))
        return encode(texts)

    encoder.encode = encode_and_note
    reranker.score(QUERY * 10**5, [start * 1000] * 3)
    assert max(read) <= 256 * CHARS_PER_TOKEN


def test_documents_are_encoded_in_portions(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not depend on their number, and the scores do not depend on the portions."""
    reranker = OnnxReranker(model)
    documents = [f"{'kettle ' * (i % 30)}{i}" for i in range(40)]
    expected = reranker.score(QUERY, documents)
    sizes: list[int] = []
    encoder = cast(Any, reranker._scorer).encoder
    encode = encoder.encode

    def encode_and_note(texts: Sequence[str]) -> Any:
        sizes.append(sum(map(len, texts)))
        return encode(texts)

    encoder.encode = encode_and_note
    monkeypatch.setattr(onnx_reranker, "_PORTION", 500)
    np.testing.assert_allclose(reranker.score(QUERY, documents), expected, atol=2e-6)
    assert len(sizes) > 5
    assert max(sizes) <= 500


def test_blank_query_no_documents_and_lone_surrogates(model: Path) -> None:
    reranker = OnnxReranker(model)
    with pytest.raises(RerankError, match="blank"):
        reranker.score(" \n", ["x"])
    assert reranker.score(QUERY, []).shape == (0,)
    assert np.isfinite(reranker.score("\ud800", ["\udfff lone", ""])).all()


def test_10_000_documents(model: Path) -> None:
    reranker = OnnxReranker(model)
    documents = [f"{DOCUMENTS[i % 3][: i % 40]} {i}" for i in range(10_000)]
    scores = reranker.score(QUERY, documents)
    assert np.isfinite(scores).all()
    some = [0, 4999, 9999]
    np.testing.assert_allclose(
        scores[some], reranker.score(QUERY, [documents[i] for i in some]), atol=2e-6
    )


def test_a_deadline_in_the_past_scores_nothing(model: Path) -> None:
    scores = OnnxReranker(model).score(QUERY, DOCUMENTS, deadline=time.monotonic() - 1)
    assert np.isnan(scores).all()


def test_large_weights_go_to_a_separate_file(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "_EXTERNAL_FROM", 1000)
    export(str(bert), tmp_path)
    export(str(bert), tmp_path)  # over the first
    assert set(Manifest.read(tmp_path).files) == {"model.onnx", "model.onnx.data", "tokenizer.json"}
    assert (tmp_path / "model.onnx.data").stat().st_size < 2 * (bert / "model.safetensors").stat().st_size  # fmt: skip  # noqa: E501
    np.testing.assert_allclose(
        OnnxReranker(tmp_path).score(QUERY, DOCUMENTS), reference(bert, DOCUMENTS), atol=2e-6
    )


@pytest.mark.parametrize("labels", [3, 5])
def test_more_labels_than_two_are_refused(labels: int, tmp_path: Path) -> None:
    checkpoint = make_classifier(tmp_path / "checkpoint", labels=labels)
    with pytest.raises(RerankError, match=f"{labels} labels"):
        export(str(checkpoint), tmp_path / "model")


def test_an_encoder_without_a_head_is_refused(bert: Path, tmp_path: Path) -> None:
    """transformers would initialise one randomly."""
    from safetensors.torch import load_file, save_file

    bare = tmp_path / "bare"
    shutil.copytree(bert, bare)
    config = json.loads((bare / "config.json").read_text())
    (bare / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    with pytest.raises(RerankError, match="BertModel is not a cross-encoder"):
        export(str(bare), tmp_path / "model")
    (bare / "config.json").write_text(json.dumps(config))
    weights = load_file(bare / "model.safetensors")
    save_file(
        {name: weight for name, weight in weights.items() if "classifier" not in name},
        bare / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(RerankError, match=r"weights are missing: classifier\.bias"):
        export(str(bare), tmp_path / "model")
    assert not (tmp_path / "model" / "manifest.json").exists()


def test_an_unknown_model_type_is_refused(bert: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(bert, odd)
    config = json.loads((odd / "config.json").read_text())
    (odd / "config.json").write_text(json.dumps(config | {"model_type": "unheard"}))
    with pytest.raises(RerankError, match="cannot be loaded"):
        export(str(odd), tmp_path / "model")


def test_pickled_weights_are_not_opened(bert: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(bert, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(RerankError, match="safetensors only"):
        export(str(pickled), tmp_path / "model")


def test_an_unknown_architecture_is_refused(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    content = json.loads((folder / "manifest.json").read_text())
    content["architecture"] = "oracle"
    (folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(RerankError, match="architecture 'oracle'"):
        OnnxReranker(folder)


def test_the_head_stays_in_float32(bert: Path, tmp_path: Path) -> None:
    export(str(bert), tmp_path, dtype="int8")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert sum(node.op_type == "MatMulInteger" for node in graph.node) == 3 * 6
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for part in ("bert.pooler.dense.weight", "classifier.weight"):
        assert [kind for name, kind in kinds.items() if name.startswith(part)] == [FLOAT]
