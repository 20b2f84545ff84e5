"""Exports a Qwen3 reranker without torch: builds the graph from the weights."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import RerankError
from es_hybrid.reranking.export.checkpoint import Checkpoint, qwen3_config
from es_hybrid.reranking.export.qwen3_graph import OPSET, Dtype, ExportProgress, write_graph
from es_hybrid.reranking.export.room import check_room
from es_hybrid.reranking.manifest import GRAPH, MANIFEST, TOKENIZER, Manifest, checksums
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.template import QWEN3

__all__ = ["export_qwen3"]

_BYTES = {
    "fp32": 4.0,
    "fp16": 2.0,
    "int8": 1.5,
}  # bytes per weight on disk, including the embedding
# Copies of the largest tensor in memory: float32, another layout, another type.
_COPIES = 3


def export_qwen3(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    source: str,
    revision: str = "",
    dtype: Dtype = "fp32",
    languages: Sequence[str] = (),
    progress: ExportProgress | None = None,
) -> Manifest:
    """Write the graph, its tokenizer and its manifest to `folder`.

    Accepts both kinds of Qwen3 checkpoints: a causal one, whose head is the difference of `yes` and
    `no`, and a classifier with one or two labels.

    Args:
        checkpoint: The weights.
        folder, source, revision, dtype, languages, progress: As in `export`.

    Raises:
        RerankError: the checkpoint is not a Qwen3 reranker, or disk or memory is too small.
    """
    place = str(checkpoint.folder)
    config = qwen3_config(checkpoint.config, place=place)
    folder.mkdir(parents=True, exist_ok=True)
    # Without a manifest the folder is not usable, so an interrupted export leaves no model.
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
        languages=tuple(languages),
        files=checksums(folder, [GRAPH, f"{GRAPH}.data", TOKENIZER]),
    )
    manifest.write(folder)
    return manifest


def _head(checkpoint: Checkpoint, yes: int, no: int) -> NDArray[np.float32]:
    """The weights of the logit, `[hidden]`."""
    if "score.weight" in checkpoint:
        labels = checkpoint.read("score.weight")
        if len(labels) not in (1, 2):
            raise RerankError(
                f"a classifier with {len(labels)} labels",
                place=str(checkpoint.folder),
                remedy="use a reranker, which has one or two labels",
            )
        column = labels[0] if len(labels) == 1 else labels[1] - labels[0]
    else:
        tied = checkpoint.config.get("tie_word_embeddings") or "lm_head.weight" not in checkpoint
        words = checkpoint.read("model.embed_tokens.weight" if tied else "lm_head.weight")
        column = words[yes] - words[no]
    return np.asarray(column, dtype=np.float32)
