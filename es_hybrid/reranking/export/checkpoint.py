"""Reads a checkpoint: its configuration and its weights, from safetensors only.

Independent of ONNX. Pickled weights (`pytorch_model.bin`) are never opened, because loading them
executes code.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - registers bfloat16 with numpy
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from es_hybrid.errors import RerankError

__all__ = ["Checkpoint", "Qwen3Config", "qwen3_config", "read_config"]

_FLOATS = ("F32", "F16", "BF16")
# Names in config.json by field of `Qwen3Config`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3Config:
    """The shape of a Qwen3 decoder.

    Attributes:
        heads: Query heads; groups of `heads // kv_heads` share a key and value head.
        positions: Longest input in tokens.
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
    """The weights of a folder with `model.safetensors`, in one file or several.

    Reads one tensor at a time, when it is requested.

    Raises:
        RerankError: the folder has no weights, or they are not safetensors.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = read_config(folder)
        self._files: dict[str, tuple[Path, Any]] = {}  # by tensor
        sizes = [0]
        for path in _weight_files(folder):
            try:
                file: Any = safe_open(path, framework="numpy")
            except (SafetensorError, OSError):
                raise _broken(path) from None
            for name in file.keys():  # noqa: SIM118 - not a dict
                self._files[name] = path, file
                sizes.append(math.prod(file.get_slice(name).get_shape()))
        self.parameters = sum(sizes)
        """Number of weights in all tensors."""
        self.largest = max(sizes)
        """Number of weights in the largest tensor."""

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> NDArray[np.float32]:
        """Read a tensor as float32, whatever its stored type.

        Raises:
            RerankError: there is no such tensor, or its type is not a float type.
        """
        if name not in self._files:
            raise RerankError(
                f"no tensor {name}",
                place=str(self.folder),
                remedy="use a complete Qwen3 checkpoint",
            )
        path, file = self._files[name]
        dtype = file.get_slice(name).get_dtype()
        if dtype not in _FLOATS:
            raise RerankError(
                f"tensor {name} is {dtype}",
                place=str(path),
                remedy="use the checkpoint in bf16, fp16 or fp32, not a quantized one",
            )
        return np.asarray(file.get_tensor(name), dtype=np.float32)


def read_config(folder: Path) -> dict[str, Any]:
    """Read the `config.json` of a folder.

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
            "no config.json", place=str(folder), remedy="give the folder of a checkpoint"
        ) from None
    except (OSError, ValueError) as error:
        raise RerankError(
            f"cannot be read: {error}", place=str(path), remedy="download the checkpoint again"
        ) from None
    return config


def qwen3_config(config: dict[str, Any], *, place: str) -> Qwen3Config:
    """Read the shape from a `config.json` of transformers 4 or 5.

    Raises:
        RerankError: a field is missing, or a feature is not supported. Nothing is defaulted:
            transformers 4.57 silently reads the rope base of a transformers 5 checkpoint as 10,000.
    """
    # transformers 5 stores the rope base in `rope_parameters`.
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
                f"this exporter does not support the {feature} of the checkpoint",
                place=place,
                remedy="use a published Qwen3 reranker",
            )
    content = config | {"rope_theta": theta}
    missing = [name for name in _FIELDS.values() if not isinstance(content.get(name), int | float)]
    if missing:
        raise RerankError(
            f"config.json lacks the numbers {', '.join(missing)}",
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
        # The names come from a downloaded file and must not leave the folder.
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
                remedy="download or convert the checkpoint: the exporter reads safetensors only",
            )
    return files


def _broken(file: Path) -> RerankError:
    return RerankError(
        "damaged, or not safetensors", place=str(file), remedy="download the checkpoint again"
    )
