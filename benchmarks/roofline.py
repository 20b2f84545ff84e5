"""The speed of a machine in products of large matrices: what a model's arithmetic is held against.

Measured, not taken from a data sheet. Williams et al. 2009, "Roofline: an insightful visual
performance model for multicore architectures".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from es_hybrid.reranking.export.checkpoint import Checkpoint

__all__ = ["arithmetic_per_token", "onnx_product_speed", "product_speed"]

_REPEATS = 10


def arithmetic_per_token(weights: Checkpoint, shape: dict[str, Any]) -> float:
    """FLOP of one token: a multiplication and an addition per weight; words are looked up.

    Attention is left out: at 200 tokens it is a fifteenth of the whole.
    """
    words: int = shape["vocab_size"] * shape["hidden_size"]
    return 2.0 * (weights.parameters - words)


def product_speed(torch: Any, device: Literal["cpu", "cuda"], dtype: Any, side: int) -> float:
    """FLOP/s of a product of square matrices."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in "ab")
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None

    def multiply() -> None:
        left @ right
        synchronize()

    synchronize()
    return 2.0 * side**3 / _fastest(multiply)


def onnx_product_speed(dtype: Literal["fp32", "int8"], threads: int, side: int) -> float:
    """Operations per second of a product of square matrices in ONNX Runtime, on the CPU."""
    import onnxruntime
    from onnx import TensorProto, helper

    kinds = {
        "fp32": ("MatMul", TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT),
        "int8": ("MatMulInteger", TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32),
    }
    operator, *types = kinds[dtype]
    left, right, product = (
        helper.make_tensor_value_info(name, kind, [side, side])
        for name, kind in zip("abc", types, strict=True)
    )
    node = helper.make_node(operator, ["a", "b"], ["c"])
    model = helper.make_model(
        helper.make_graph([node], "product", [left, right], [product]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(4)
    values = {
        name: rng.integers(0, 127, (side, side)).astype(helper.tensor_dtype_to_np_dtype(kind))
        for name, kind in zip("ab", types, strict=False)
    }
    return 2.0 * side**3 / _fastest(lambda: session.run(None, values))


def _fastest(multiply: Callable[[], object]) -> float:
    spent = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        multiply()
        spent.append(time.perf_counter() - started)
    return min(spent)
