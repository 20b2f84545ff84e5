"""Checkpoints are read exactly, and damaged ones are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from es_hybrid.errors import RerankError
from es_hybrid.reranking.export.checkpoint import Checkpoint, qwen3_config, read_config


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_reads_what_safetensors_wrote(tmp_path: Path, dtype: str) -> None:
    tensors = {
        "odd": torch.randn(3, 5).to(getattr(torch, dtype)),
        "vector": torch.randn(7).to(getattr(torch, dtype)),
    }
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text("{}")
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.parameters == 22
    assert "odd" in checkpoint
    assert "__metadata__" not in checkpoint
    for name, tensor in tensors.items():
        read = checkpoint.read(name)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, tensor.float().numpy())


def test_shards(checkpoint: Path, tmp_path: Path) -> None:
    import transformers

    model = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint)
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    assert not (tmp_path / "model.safetensors").exists()
    whole, shards = Checkpoint(checkpoint), Checkpoint(tmp_path)
    name = "model.layers.2.mlp.up_proj.weight"
    np.testing.assert_array_equal(whole.read(name), shards.read(name))
    assert whole.parameters == shards.parameters


def test_a_shard_outside_the_folder_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copyfile(checkpoint / "config.json", tmp_path / "config.json")
    index = {"weight_map": {"a": "../model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RerankError, match="not safetensors"):
        Checkpoint(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 100, -50])
def test_broken_download_is_an_error(checkpoint: Path, tmp_path: Path, keep: int) -> None:
    content = (checkpoint / "model.safetensors").read_bytes()
    shutil.copyfile(checkpoint / "config.json", tmp_path / "config.json")
    (tmp_path / "model.safetensors").write_bytes(content[:keep])
    with pytest.raises(RerankError, match="damaged, or not safetensors"):
        read_everything(tmp_path)


def read_everything(folder: Path) -> None:
    damaged = Checkpoint(folder)
    for name in ("model.norm.weight", "model.layers.2.mlp.up_proj.weight"):
        damaged.read(name)


def test_quantized_weights_are_refused(tmp_path: Path) -> None:
    tensors = {"w": torch.zeros(4, dtype=torch.int8)}
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RerankError, match="tensor w is I8"):
        Checkpoint(tmp_path).read("w")


def test_pickled_weights_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(RerankError, match="reads safetensors only"):
        Checkpoint(tmp_path)


def test_missing_tensor_names_it(checkpoint: Path) -> None:
    with pytest.raises(RerankError, match=r"no tensor model\.nothing"):
        Checkpoint(checkpoint).read("model.nothing")


def test_config(checkpoint: Path) -> None:
    config = qwen3_config(read_config(checkpoint), place="here")
    assert (config.layers, config.heads, config.kv_heads, config.head_dim) == (3, 4, 2, 32)
    assert config.rope_theta == 1e6


def test_rope_base_of_transformers_5(checkpoint: Path) -> None:
    """transformers 5 stores it in `rope_parameters`, which transformers 4 does not read."""
    content = read_config(checkpoint)
    del content["rope_theta"]
    content["rope_parameters"] = {"rope_type": "default", "rope_theta": 12345.0}
    assert qwen3_config(content, place="here").rope_theta == 12345.0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope type"),
        ({"attention_bias": True}, "attention bias"),
        ({"use_sliding_window": True}, "sliding window"),
        ({"hidden_act": "gelu"}, "activation"),
        ({"rope_theta": None}, "rope_theta"),
        ({"head_dim": None}, "head_dim"),
    ],
)
def test_unsupported_features_are_refused(
    checkpoint: Path, change: dict[str, Any], problem: str
) -> None:
    content = read_config(checkpoint) | change
    with pytest.raises(RerankError, match=problem):
        qwen3_config(content, place="here")


@pytest.mark.parametrize("content", [None, "{", "[1]", "3"])
def test_no_config_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RerankError, match=r"config\.json"):
        read_config(tmp_path)
