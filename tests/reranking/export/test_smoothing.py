"""Smoothing changes no result, and lets a quantized product lose less of its activations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from es_hybrid.reranking.export import classifier, export
from es_hybrid.reranking.export.smoothing import largest_activations, smooth
from es_hybrid.reranking.manifest import Manifest
from es_hybrid.reranking.onnx import OnnxReranker
from tests.reranking.checkpoints import DOCUMENTS, QUERY
from tests.reranking.classifiers import make_classifier

WIDTH = 32
OUTLIER = 5  # channel


def save(path: Path, products: Sequence[tuple[str, str]]) -> Path:
    """A graph whose `outputs` are products of `inputs` with weights, by their names."""
    rng = np.random.default_rng(1)
    names = dict.fromkeys(weight for _, weight in products)
    weights = {one: rng.standard_normal((WIDTH, 8), dtype=np.float32) for one in names}
    nodes = [
        helper.make_node("MatMul", pair, [f"y{at}"], name=f"product{at}")
        for at, pair in enumerate(products)
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", WIDTH])
        for name in dict.fromkeys(activation for activation, _ in products)
    ]
    outputs = [
        helper.make_tensor_value_info(f"y{at}", TensorProto.FLOAT, ["rows", 8])
        for at in range(len(products))
    ]
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializers)
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), path)
    return path


@pytest.fixture
def activations() -> NDArray[np.float32]:
    """One channel is two hundred times larger than the others."""
    values = np.random.default_rng(2).standard_normal((64, WIDTH), dtype=np.float32)
    values[:, OUTLIER] *= 200
    return values


def answers(path: Path, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found: list[NDArray[np.float32]] = session.run(
        None, {one.name: values for one in session.get_inputs()}
    )
    return found


def smoothed(path: Path, values: NDArray[np.float32]) -> Path:
    model = onnx.load(path)
    inputs: Any = [{one.name: values for one in model.graph.input}]
    smooth(model, largest_activations(path, inputs))
    target = path.with_name("smoothed.onnx")
    onnx.save(model, target)
    return target


def quantized(path: Path) -> Path:
    target = path.with_name(f"int8-{path.name}")
    quantize_dynamic(path, target, per_channel=True, weight_type=QuantType.QInt8)
    return target


def test_the_largest_value_of_each_channel_is_found(
    tmp_path: Path, activations: NDArray[np.float32]
) -> None:
    path = save(tmp_path / "graph.onnx", [("x", "w")])
    halves: Any = [{"x": activations[:32]}, {"x": activations[32:]}]

    largest = largest_activations(path, halves)

    np.testing.assert_array_equal(largest["x"], np.abs(activations).max(axis=0))


def test_the_results_stay_and_the_quantized_ones_come_nearer(
    tmp_path: Path, activations: NDArray[np.float32]
) -> None:
    path = save(tmp_path / "graph.onnx", [("x", "w"), ("x", "v")])
    exact = answers(path, activations)
    better = smoothed(path, activations)

    for found, expected in zip(answers(better, activations), exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)
    before, after = (
        np.abs(answers(quantized(one), activations)[0] - exact[0]).mean() for one in (path, better)
    )
    assert after < before / 2


def test_products_of_one_activation_share_one_division(
    tmp_path: Path, activations: NDArray[np.float32]
) -> None:
    path = save(tmp_path / "graph.onnx", [("x", "w"), ("x", "v"), ("z", "u")])

    graph = onnx.load(smoothed(path, activations)).graph

    assert [node.op_type for node in graph.node].count("Mul") == 2


def test_a_weight_of_two_products_stays_as_it_is(
    tmp_path: Path, activations: NDArray[np.float32]
) -> None:
    """It cannot be multiplied by the factors of both."""
    path = save(tmp_path / "graph.onnx", [("x", "w"), ("z", "w")])

    graph = onnx.load(smoothed(path, activations)).graph

    assert [node.op_type for node in graph.node] == ["MatMul", "MatMul"]


def test_a_model_with_large_weights_is_smoothed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = make_classifier(tmp_path / "checkpoint")
    export(str(checkpoint), tmp_path / "whole", dtype="int8")
    monkeypatch.setattr(classifier, "_EXTERNAL_FROM", 1000)

    export(str(checkpoint), tmp_path / "apart", dtype="int8")

    files = Manifest.read(tmp_path / "apart").files
    assert set(files) == {"model.onnx", "model.onnx.data", "tokenizer.json"}
    whole, apart = (
        OnnxReranker(tmp_path / name).score(QUERY, DOCUMENTS) for name in ("whole", "apart")
    )
    np.testing.assert_allclose(apart, whole, atol=1e-6)
