"""Exporting a reranker: from a checkpoint to a folder the runtime can use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from es_hybrid.errors import MissingExtra
from es_hybrid.reranking.export.checkpoint import Checkpoint, read_config
from es_hybrid.reranking.export.source import fetch
from es_hybrid.reranking.manifest import Manifest

try:
    from es_hybrid.reranking.export.qwen3 import export_qwen3
    from es_hybrid.reranking.export.qwen3_graph import Dtype, ExportProgress
except ImportError:
    raise MissingExtra("onnx", "export") from None

__all__ = ["Dtype", "ExportProgress", "export"]


def export(
    source: str,
    folder: Path,
    *,
    revision: str = "",
    dtype: Dtype = "fp32",
    languages: Sequence[str] = (),
    progress: ExportProgress | None = None,
) -> Manifest:
    """Fetch a reranker and write its graph, tokenizer and manifest to `folder`.

    Args:
        source: A checkpoint's folder, or `owner/name` on the Hugging Face hub.
        folder: Made where it is not there; an earlier export in it is replaced.
        revision: Branch, tag or commit on the hub.
        dtype: Of the graph's products.
        languages: ISO 639-1 codes the model is good for; none: not limited.
        progress: Called with the steps done and their number.

    Raises:
        RerankError: the source cannot be had or is no reranker, or there is no room for it.
    """
    checkpoint, commit = fetch(source, revision)
    if read_config(checkpoint).get("model_type") == "qwen3":
        export_ = export_qwen3
    else:
        from es_hybrid.reranking.export.classifier import export_classifier

        export_ = export_classifier
    return export_(
        Checkpoint(checkpoint),
        folder,
        source=source,
        revision=commit,
        dtype=dtype,
        languages=languages,
        progress=progress,
    )
