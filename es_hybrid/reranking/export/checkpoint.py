"""Reading a Qwen3 checkpoint: its configuration and its weights, from safetensors alone.

Knows nothing about ONNX. Pickled weights (`pytorch_model.bin`) are never opened: loading one
runs the code it holds.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import RerankError

__all__ = ["Checkpoint", "Qwen3Config", "qwen3_config", "read_config"]

# bfloat16 is the upper half of a float32, and numpy has no name for it.
_DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
# The configuration's fields, by our names.
_FIELDS = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "epsilon": "rms_norm_eps",
    "rope_theta": "rope_theta",
    "positions": "max_position_embeddings",
}
_HEADER_LIMIT = 100_000_000  # bytes, as the format's own reader has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3Config:
    """The shape of a Qwen3 decoder.

    Attributes:
        heads: Query heads; each `heads // kv_heads` of them share a key and value head.
        positions: Tokens the model was made for.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    epsilon: float
    rope_theta: float
    positions: int


class Checkpoint:
    """The weights of a folder with `model.safetensors`, whole or in shards.

    Nothing is read before it is asked for, and one tensor at a time.

    Raises:
        RerankError: no weights there, or not in this format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = read_config(folder)
        self._tensors: dict[str, tuple[Path, int, dict[str, Any]]] = {}
        for file in _weight_files(folder):
            start, header = _read_header(file)
            for name, entry in header.items():
                if name != "__metadata__":
                    self._tensors[name] = (file, start, entry)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    @property
    def parameters(self) -> int:
        """Weights in all tensors together."""
        return sum(math.prod(entry["shape"]) for _, _, entry in self._tensors.values())

    @property
    def largest(self) -> int:
        """Weights in the largest tensor."""
        return max((math.prod(entry["shape"]) for _, _, entry in self._tensors.values()), default=0)

    def read(self, name: str) -> NDArray[np.float32]:
        """The tensor, in float32 whatever its stored type.

        Raises:
            RerankError: no such tensor, or one of a type that holds no float weights.
        """
        file, start, entry = self._find(name)
        dtype = _DTYPES.get(entry["dtype"])
        if dtype is None:
            raise RerankError(
                f"tensor {name} is {entry['dtype']}",
                place=str(file),
                remedy="use the checkpoint in bf16, fp16 or fp32, not a quantized one",
            )
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if end - begin != math.prod(shape) * np.dtype(dtype).itemsize:
            raise _broken(file)
        try:
            stored = np.memmap(file, dtype=dtype, mode="r", offset=start + begin, shape=shape)
        except ValueError:
            raise _broken(file) from None
        if entry["dtype"] == "BF16":
            return (stored.astype(np.uint32) << 16).view(np.float32)
        return np.asarray(stored, dtype=np.float32)

    def _find(self, name: str) -> tuple[Path, int, dict[str, Any]]:
        if name not in self._tensors:
            raise RerankError(
                f"no tensor {name}",
                place=str(self.folder),
                remedy="use a complete Qwen3 checkpoint",
            )
        return self._tensors[name]


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's `config.json`.

    Raises:
        RerankError: it is missing or not JSON.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        raise RerankError(
            "no config.json", place=str(folder), remedy="give the folder of a model's checkpoint"
        ) from None
    except (OSError, ValueError) as error:
        raise RerankError(
            f"cannot be read: {error}", place=str(path), remedy="fetch the checkpoint again"
        ) from None
    return config


def qwen3_config(config: dict[str, Any], *, place: str) -> Qwen3Config:
    """The shape out of a `config.json` written by transformers 4 or 5.

    Raises:
        RerankError: a feature of the configuration that the graph does not have, or a missing
            field. Never a default in silence: transformers 4.57 reads the rope base of a
            checkpoint saved by transformers 5 as 10,000 without a word.
    """
    # transformers 5 moved the rope base into a table of its own.
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    theta = config.get("rope_theta", rope.get("rope_theta"))
    unsupported = {
        "rope type": rope.get("rope_type", rope.get("type", "default")) != "default",
        "attention bias": bool(config.get("attention_bias")),
        "sliding window": bool(config.get("use_sliding_window")),
        "activation": config.get("hidden_act", "silu") != "silu",
    }
    for feature, present in unsupported.items():
        if present:
            raise RerankError(
                f"the checkpoint's {feature} is not one this exporter builds",
                place=place,
                remedy="use a published Qwen3 reranker",
            )
    content = config | {"rope_theta": theta}
    missing = [name for name in _FIELDS.values() if not isinstance(content.get(name), int | float)]
    if missing:
        raise RerankError(
            f"config.json has no number {', '.join(missing)}",
            place=place,
            remedy="use a complete Qwen3 checkpoint",
        )
    return Qwen3Config(**{field: content[name] for field, name in _FIELDS.items()})


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(
                set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            )
        except (ValueError, KeyError, AttributeError, TypeError):
            raise _broken(index) from None
        # A shard's name comes from a file that was downloaded: it may not lead elsewhere.
        if any(Path(str(name)).name != name for name in names):
            raise _broken(index)
        files = [folder / name for name in names]
    else:
        files = [folder / "model.safetensors"]
    for file in files:
        if not file.is_file():
            raise RerankError(
                f"no {file.name}",
                place=str(folder),
                remedy="the exporter reads safetensors only: fetch or convert the checkpoint",
            )
    return files


def _read_header(file: Path) -> tuple[int, dict[str, Any]]:
    """Where the tensors begin, and the table of them."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(_HEADER_LIMIT, file.stat().st_size):
            raise _broken(file)
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            raise _broken(file) from None
    if not isinstance(header, dict):
        raise _broken(file)
    return 8 + length, header


def _broken(file: Path) -> RerankError:
    return RerankError(
        "damaged, or not safetensors", place=str(file), remedy="fetch the checkpoint again"
    )
