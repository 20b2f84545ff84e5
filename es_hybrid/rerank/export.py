"""Exporting a reranker: from a checkpoint to a folder the runtime can use."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import MissingExtra, RerankError
from es_hybrid.rerank.checkpoint import Checkpoint, qwen3_config, read_config
from es_hybrid.rerank.manifest import MANIFEST, Manifest, checksums
from es_hybrid.rerank.prompt import QWEN3, PromptEncoder
from es_hybrid.rerank.source import fetch

try:
    from es_hybrid.rerank.graph import OPSET, Dtype, Progress, write_graph
except ImportError:
    raise MissingExtra("onnx", "export") from None

__all__ = ["export", "export_qwen3"]

GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
_BYTES = {"fp32": 4.0, "fp16": 2.0, "int8": 1.5}  # of a weight on disk, the embedding included
# The largest tensor, in float32, with a copy in another layout and one in another type.
_COPIES = 3


def export(
    source: str,
    folder: Path,
    *,
    revision: str = "",
    dtype: Dtype = "fp32",
    progress: Progress | None = None,
) -> Manifest:
    """Fetch a reranker and write its graph, tokenizer and manifest to `folder`.

    Args:
        source: A checkpoint's folder, or `owner/name` on the Hugging Face hub.
        folder: Made where it is not there; an earlier export in it is replaced.
        revision: Branch, tag or commit on the hub.
        dtype: Of the graph's products.
        progress: Called with the layers done and their number.

    Raises:
        RerankError: the source cannot be had or is no reranker, or there is no room for it.
    """
    checkpoint, commit = fetch(source, revision)
    kind = read_config(checkpoint).get("model_type")
    if kind != "qwen3":
        raise RerankError(f"a model of type {kind}", place=source, remedy="give a Qwen3 reranker")
    return export_qwen3(
        Checkpoint(checkpoint),
        folder,
        source=source,
        revision=commit,
        dtype=dtype,
        progress=progress,
    )


def export_qwen3(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    source: str,
    revision: str = "",
    dtype: Dtype = "fp32",
    progress: Progress | None = None,
) -> Manifest:
    """Write the graph, its tokenizer and its manifest to `folder`.

    Either kind of Qwen3 checkpoint will do: the causal one, whose head is the difference of
    `yes` and `no`, or a classifier with one label or two.

    Args:
        checkpoint: The weights.
        folder: Made where it is not there; an earlier export in it is replaced.
        source: Where the weights came from, for the record.
        revision: Its commit, for the record.
        dtype: Of the graph's products.
        progress: Called with the layers done and their number.

    Raises:
        RerankError: the checkpoint is not one of a Qwen3 reranker, or there is no room for it.
    """
    place = str(checkpoint.folder)
    config = qwen3_config(checkpoint.config, place=place)
    folder.mkdir(parents=True, exist_ok=True)
    # Without a manifest the folder is no model, should the export not come to its end.
    (folder / MANIFEST).unlink(missing_ok=True)
    tokenizer = checkpoint.folder / TOKENIZER
    encoder = PromptEncoder(tokenizer)
    yes, no = encoder.token_id("yes"), encoder.token_id("no")
    head = _head(checkpoint, yes, no)
    check_room(
        folder,
        disk=checkpoint.parameters * _BYTES[dtype],
        memory=checkpoint.largest * 4.0 * _COPIES,
    )
    write_graph(checkpoint, config, head, folder / GRAPH, dtype=dtype, progress=progress)
    shutil.copyfile(tokenizer, folder / TOKENIZER)
    manifest = Manifest(
        architecture="qwen3",
        source=source,
        revision=revision,
        dtype=dtype,
        opset=OPSET,
        max_length=config.positions,
        layers=config.layers,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        rope_theta=config.rope_theta,
        tokens={"yes": yes, "no": no, "pad": encoder.control["<|endoftext|>"]},
        prompt={"head": QWEN3.head, "tail": QWEN3.tail},
        files=checksums(folder, [GRAPH, f"{GRAPH}.data", TOKENIZER]),
    )
    manifest.write(folder)
    return manifest


def _head(checkpoint: Checkpoint, yes: int, no: int) -> NDArray[np.float32]:
    """The column that gives the logit, `[hidden]`."""
    if "score.weight" in checkpoint:
        labels = checkpoint.read("score.weight")
        if len(labels) not in (1, 2):
            raise RerankError(
                f"a classifier of {len(labels)} labels",
                place=str(checkpoint.folder),
                remedy="a reranker has one label or two",
            )
        column = labels[0] if len(labels) == 1 else labels[1] - labels[0]
    else:
        tied = checkpoint.config.get("tie_word_embeddings") or "lm_head.weight" not in checkpoint
        words = checkpoint.read("model.embed_tokens.weight" if tied else "lm_head.weight")
        column = words[yes] - words[no]
    return np.asarray(column, dtype=np.float32)


def check_room(folder: Path, *, disk: float, memory: float) -> None:
    """See first whether an export can come to its end.

    Args:
        folder: Where it goes.
        disk: Bytes it takes there.
        memory: Bytes it takes on the way.

    Raises:
        RerankError: there is not that much.
    """
    free = shutil.disk_usage(folder).free
    if free < disk:
        raise RerankError(
            f"{disk / 1e9:.1f} GB are needed on disk, {free / 1e9:.1f} GB are free",
            place=str(folder),
            remedy="free some, or export to another folder",
        )
    available = _available_memory()
    if available < memory:
        raise RerankError(
            f"{memory / 1e9:.1f} GB of memory are needed, {available / 1e9:.1f} GB are available",
            place=str(folder),
            remedy="end other programs, or export on a larger machine",
        )


def _available_memory() -> float:
    """Bytes that can be had without swapping; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    fields = dict(line.split(":", 1) for line in lines)
    return float(fields["MemAvailable"].split()[0]) * 1024
