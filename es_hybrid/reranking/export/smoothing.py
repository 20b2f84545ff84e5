"""Moves outliers from activations to weights before both become eight-bit integers.

A quantized product has one scale for its activations, but one for each column of its weight. A few
channels of the activations of a transformer are many times larger than the others, which are left
with a few of the 256 steps. Divided by a factor of their own, and the rows of the weight multiplied
by it, the product stays the same and its activations lose less (SmoothQuant; Xiao et al. 2023,
arXiv:2211.10438).
"""

from __future__ import annotations

import importlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["largest_activations", "smooth"]

# How much of the outliers goes to the weights, 0 to 1: alpha of the paper, which takes .5 for most
# models and more for those with large outliers.
_SHARE = 0.75
_LEAST = 1e-5  # for channels that are always 0

# Tensor -> largest absolute value of each channel, `[width]` float32.
Largest = Mapping[str, NDArray[np.float32]]


def smooth(model: Any, largest: Largest) -> None:
    """Smooth the products of an fp32 graph.

    Args:
        model: Changed in place.
        largest: What `largest_activations` returns for the same graph.
    """
    weights = {one.name: one for one in model.graph.initializer}
    for activation, products in _products(model).items():
        rows = [np.abs(_array(weights[node.input[1]])).max(axis=1) for node in products]
        factors = _factors(largest[activation], np.max(rows, axis=0))
        divided = f"{activation}_smooth"
        model.graph.initializer.append(numpy_helper.from_array(1 / factors, f"{divided}_by"))
        division = helper.make_node("Mul", [activation, f"{divided}_by"], [divided], name=divided)
        model.graph.node.insert(list(model.graph.node).index(products[0]), division)
        for node in products:
            weight = weights[node.input[1]]
            scaled = _array(weight) * factors[:, None]
            weight.CopyFrom(numpy_helper.from_array(scaled, weight.name))
            node.input[0] = divided


def largest_activations(path: Path, inputs: Sequence[Mapping[str, NDArray[np.int64]]]) -> Largest:
    """The largest activations of the products of the graph at `path`.

    Args:
        inputs: Texts like those that the model will read, as inputs of the graph.
    """
    model = onnx.load(path, load_external_data=False)
    names = list(_products(model))
    if not names:
        return {}
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    observed = path.with_name("observed.onnx")  # beside the weights, if they are in a file
    onnx.save(model, observed)
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(observed, providers=["CPUExecutionProvider"])
    known = {one.name for one in session.get_inputs()}
    largest: dict[str, NDArray[np.float32]] = {}
    for each in inputs:
        found = session.run(names, {name: each[name] for name in known})
        for name, values in zip(names, found, strict=True):
            channels = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, 0.0), channels)
    return largest


def _products(model: Any) -> Mapping[str, Sequence[Any]]:
    """Activation -> the products of it with a weight that nothing else uses."""
    weights = {one.name for one in model.graph.initializer if len(one.dims) == 2}
    uses = Counter(name for node in model.graph.node for name in node.input)
    found = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights and uses[node.input[1]] == 1:
            found[node.input[0]].append(node)
    return found


def _factors(activations: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """`[width]` of both -> `[width]` float32 by which activations are divided."""
    large = np.maximum(activations, _LEAST) ** _SHARE
    factors = large / np.maximum(weights, _LEAST) ** (1 - _SHARE)
    return np.asarray(factors / np.exp(np.log(factors).mean()), dtype=np.float32)


def _array(weight: Any) -> NDArray[np.float32]:
    return np.asarray(numpy_helper.to_array(weight), dtype=np.float32)
