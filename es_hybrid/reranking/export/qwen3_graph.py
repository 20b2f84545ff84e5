"""The ONNX graph of a Qwen3 reranker, built from its weights.

    input_ids, attention_mask      [batch, sequence]             int64, padded on the right
    past_key_i, past_value_i       [1, kv_heads, past, head_dim] prefix shared by all rows
    -> logit                       [batch]                       float32, > 0 means yes
    -> new_key_i, new_value_i      [batch, kv_heads, sequence, head_dim]

Two optimisations are specific to reranking. The head is a single column, the difference of the
columns of the two answer tokens: sigmoid(logit) equals the softmax over the two, and the logits of
the other 151,667 tokens are never computed. The prompts of a query share a prefix: it passes
through the model once, with an empty past, and its keys and values become the past of every row.
Attention is causal, so the result is the same.

Padding is on the right, where causal attention never reads it; the mask only marks the last token
of each row.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from es_hybrid.reranking.export.checkpoint import Checkpoint, Qwen3Config
from es_hybrid.reranking.export.emit import GraphEmitter

__all__ = ["OPSET", "Dtype", "ExportProgress", "write_graph"]

OPSET = 23  # the first with RMSNormalization, RotaryEmbedding and Attention

Dtype = Literal["fp32", "fp16", "int8"]
ExportProgress = Callable[[int, int], None]

_BLOCK = 128  # int8: weights per scale in blockwise products
_TINY = 1e-30  # int8: avoids division by zero for a token of zeros
_LEVELS = 127  # int8: codes on each side of zero


def write_graph(
    checkpoint: Checkpoint,
    config: Qwen3Config,
    head: NDArray[np.float32],
    path: Path,
    *,
    dtype: Dtype = "fp32",
    progress: ExportProgress | None = None,
) -> None:
    """Write the graph to `path` and its weights to `path` + `.data`.

    Args:
        checkpoint: The weights.
        config: The shape of the model.
        head: `[hidden]`; the logit is its product with the state of the last token.
        path: Graph file.
        dtype: Type of the matrix products. `int8` is for the CPU: weights are stored in int8,
            activations are quantized at run time.
        progress: Called with the number of finished layers and of all layers.
    """
    with GraphEmitter(path, opset=OPSET) as emitter:
        _Qwen3(checkpoint, config, emitter, dtype).build(head, progress)
        emitter.save()


class _Qwen3:
    """A decoder under construction; values are referred to by name."""

    def __init__(
        self, checkpoint: Checkpoint, config: Qwen3Config, emitter: GraphEmitter, dtype: Dtype
    ) -> None:
        self.checkpoint = checkpoint
        self.config = config
        self.emit = emitter
        self.exact = dtype == "fp32"
        self.int8 = dtype == "int8"
        # Type of the products. The residual stream stays float32: trained activations reach the
        # limit of float16 (65,504), and the additions are cheap compared with the products.
        self.type: DTypeLike = np.float16 if dtype == "fp16" else np.float32
        self.scaled: dict[str, tuple[str, str]] = {}  # value -> scaled to [-1, 1] per token, scale

    def build(self, head: NDArray[np.float32], progress: ExportProgress | None) -> None:
        emit = self.emit
        self._declare()
        self.rows = emit.op("Shape", "input_ids", start=0, end=1)
        length = emit.op("ReduceSum", "attention_mask", emit.const([1]), keepdims=1)
        self.last = emit.op("Sub", length, emit.const(1))
        self.past_shape = emit.op("Concat", self.rows, emit.const([1, 1, 1]), axis=0)
        self.cos, self.sin = self._rotation()
        if self.int8:
            self.tiny = emit.tensor("tiny", np.array(_TINY, dtype=np.float32))
        words = self._read("model.embed_tokens")
        table = emit.tensor("embedding", words if self.exact else words.astype(np.float16))
        state = emit.op("Gather", table, "input_ids")
        state = state if self.exact else emit.cast(state, np.float32)
        for layer in range(self.config.layers):
            state = self._layer(state, layer)
            if progress:
                progress(layer + 1, self.config.layers)
        state = self._norm(state, "model.norm", np.float32)
        column = emit.tensor("head", head.reshape(-1, 1))
        emit.op("Squeeze", emit.op("MatMul", state, column), emit.const([1]), name="logit")

    def _declare(self) -> None:
        c, emit = self.config, self.emit
        for name in ("input_ids", "attention_mask"):
            emit.input(name, np.int64, ["batch", "sequence"])
        emit.output("logit", np.float32, ["batch"])
        for layer in range(c.layers):
            for kind in ("key", "value"):
                past: list[int | str] = [1, c.kv_heads, "past", c.head_dim]
                emit.input(f"past_{kind}_{layer}", self.type, past)
                new: list[int | str] = ["batch", c.kv_heads, "sequence", c.head_dim]
                emit.output(f"new_{kind}_{layer}", self.type, new)

    def _rotation(self) -> tuple[str, str]:
        """Cosine and sine of the angles of every position, `[batch, sequence, head_dim / 2]`.

        Positions continue after the past. Computed instead of looked up, so that length is not
        limited, and in float32 as in transformers.
        """
        emit = self.emit
        exponent = np.arange(0, self.config.head_dim, 2, dtype=np.float32) / self.config.head_dim
        frequency = 1.0 / np.float32(self.config.rope_theta) ** exponent.astype(np.float32)
        past = emit.op("Shape", "past_key_0", start=2, end=3)
        end = emit.op("Add", past, emit.op("Shape", "input_ids", start=1, end=2))
        first, limit = (emit.op("Squeeze", value, emit.const([0])) for value in (past, end))
        positions = emit.cast(emit.op("Range", first, limit, emit.const(1)), np.float32)
        column = emit.op("Unsqueeze", positions, emit.const([0, 2]))
        angles = emit.op("Mul", column, emit.tensor("frequency", frequency))
        shape = emit.op("Concat", self.rows, emit.const([1, 1]), axis=0)
        angles = emit.op("Expand", angles, shape)
        return self._narrow(emit.op("Cos", angles)), self._narrow(emit.op("Sin", angles))

    def _layer(self, state: str, layer: int) -> str:
        """One decoder layer: adds attention and the gated feed-forward network to the state.

        The last layer computes only the last token of each row; the others are not needed.
        """
        emit, name = self.emit, f"model.layers.{layer}"
        normed = self._norm(state, f"{name}.input_layernorm", np.float32)
        mixed = self._attention(self._narrow(normed), f"{name}.self_attn", layer)
        if layer == self.config.layers - 1:
            mixed = emit.op("GatherND", mixed, self.last, batch_dims=1)
            state = emit.op("GatherND", state, self.last, batch_dims=1)
        attended = self._linear(mixed, f"{name}.self_attn.o_proj")
        state = emit.op("Add", state, self._widen(attended))
        normed = self._norm(state, f"{name}.post_attention_layernorm", np.float32)
        forward = self._feed_forward(self._narrow(normed), f"{name}.mlp")
        return emit.op("Add", state, self._widen(forward))

    def _attention(self, normed: str, name: str, layer: int) -> str:
        c, emit = self.config, self.emit
        query = self._heads(normed, f"{name}.q_proj", c.heads)
        query = self._rotate(self._norm(query, f"{name}.q_norm", self.type))
        key = self._heads(normed, f"{name}.k_proj", c.kv_heads)
        key = self._rotate(self._norm(key, f"{name}.k_norm", self.type), f"new_key_{layer}")
        value = self._heads(normed, f"{name}.v_proj", c.kv_heads)
        value = emit.op("Transpose", value, perm=[0, 2, 1, 3], name=f"new_value_{layer}")
        past = [
            emit.op("Expand", f"past_{kind}_{layer}", self.past_shape) for kind in ("key", "value")
        ]
        # ONNX Runtime accepts a past only if the resulting present is named as well.
        present = [f"present_{kind}_{layer}" for kind in ("key", "value")]
        mixed = emit.op("Attention", query, key, value, "", *past, unused=present, is_causal=1)
        mixed = emit.op("Transpose", mixed, perm=[0, 2, 1, 3])
        return emit.op("Reshape", mixed, emit.const([0, 0, c.heads * c.head_dim]))

    def _heads(self, normed: str, name: str, heads: int) -> str:
        """Project and split into heads: `[batch, sequence, heads, head_dim]`."""
        shape = self.emit.const([0, 0, heads, self.config.head_dim])
        return self.emit.op("Reshape", self._linear(normed, name), shape)

    def _rotate(self, heads: str, name: str = "") -> str:
        """Rotate by position: `[batch, heads, sequence, head_dim]`."""
        turned = self.emit.op("Transpose", heads, perm=[0, 2, 1, 3])
        return self.emit.op("RotaryEmbedding", turned, self.cos, self.sin, name=name)

    def _feed_forward(self, normed: str, name: str) -> str:
        gate = self._linear(normed, f"{name}.gate_proj")
        gate = self.emit.op("Mul", gate, self.emit.op("Sigmoid", gate))
        gated = self.emit.op("Mul", gate, self._linear(normed, f"{name}.up_proj"))
        return self._linear(gated, f"{name}.down_proj")

    def _norm(self, value: str, name: str, dtype: DTypeLike) -> str:
        scale = self.emit.tensor(name, self._read(name).astype(dtype))
        return self.emit.op("RMSNormalization", value, scale, axis=-1, epsilon=self.config.epsilon)

    def _linear(self, value: str, name: str) -> str:
        weight = self._read(name)  # [out, in]
        if not self.int8:
            return self.emit.op("MatMul", value, self.emit.tensor(name, weight.T.astype(self.type)))
        # The input of down_proj has the largest outliers of a trained model: a single scale would
        # round the other values to zero. Blocks are slower and therefore used only here.
        by_block = name.endswith("down_proj")
        return (self._by_block if by_block else self._by_column)(value, name, weight)

    def _by_column(self, value: str, name: str, weight: NDArray[np.float32]) -> str:
        """An int8 product with one scale per column of weights and per token.

        The kernel of ONNX Runtime has one scale for all activations of a call. Each token is
        divided by its maximum first, so that it keeps full precision and a score depends far less
        on the rest of the batch.

        The codes use all eight bits, which overflows on x86 processors without VNNI. Seven bits
        would avoid this at twice the error everywhere.
        """
        emit = self.emit
        if value not in self.scaled:
            largest = emit.op("ReduceMax", emit.op("Abs", value), emit.const([-1]), keepdims=1)
            largest = emit.op("Max", largest, self.tiny)
            self.scaled[value] = emit.op("Div", value, largest), largest
        unit, largest = self.scaled[value]
        scales = _scales(np.abs(weight).max(axis=1))
        codes = np.rint(weight / scales[:, None]).astype(np.int8)
        product = emit.op(
            "DynamicQuantizeMatMul",
            unit,
            emit.tensor(name, codes.T),
            emit.tensor(f"{name}.scale", scales),
            domain="com.microsoft",
        )
        return emit.op("Mul", product, largest)

    def _by_block(self, value: str, name: str, weight: NDArray[np.float32]) -> str:
        """An int8 product with one scale per block of weights and of activations."""
        rows, columns = weight.shape
        blocks = np.pad(weight, ((0, 0), (0, -columns % _BLOCK))).reshape(rows, -1, _BLOCK)
        scales = _scales(np.abs(blocks).max(axis=2))
        codes = (np.rint(blocks / scales[:, :, None]) + 128).astype(np.uint8)  # 128 is zero
        return self.emit.op(
            "MatMulNBits",
            value,
            self.emit.tensor(name, codes),
            self.emit.tensor(f"{name}.scale", scales),
            domain="com.microsoft",
            bits=8,
            block_size=_BLOCK,
            N=rows,
            K=columns,
            accuracy_level=4,  # multiply in int8
        )

    def _read(self, name: str) -> NDArray[np.float32]:
        return self.checkpoint.read(f"{name}.weight")

    def _narrow(self, value: str) -> str:
        return value if self.type == np.float32 else self.emit.cast(value, self.type)

    def _widen(self, value: str) -> str:
        return value if self.type == np.float32 else self.emit.cast(value, np.float32)


def _scales(largest: NDArray[np.float32]) -> NDArray[np.float32]:
    """Value of one code step, chosen so that the largest weight gets the largest code."""
    return np.where(largest == 0.0, 1.0, largest / _LEVELS).astype(np.float32)
