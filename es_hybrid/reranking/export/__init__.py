"""Exports a reranker from a checkpoint to a folder that `OnnxReranker` runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from es_hybrid.errors import MissingExtra
from es_hybrid.reranking.export.source import fetch
from es_hybrid.reranking.manifest import Manifest

try:
    from es_hybrid.reranking.export.checkpoint import Checkpoint, read_config
    from es_hybrid.reranking.export.qwen3 import export_qwen3
    from es_hybrid.reranking.export.qwen3_graph import Dtype, ExportProgress
except ModuleNotFoundError as error:
    raise MissingExtra(error.name or "onnx", "export") from None

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
        source: Folder of a checkpoint, or `owner/name` on the Hugging Face hub.
        folder: Created if missing; replaces an earlier export.
        revision: Branch, tag or commit on the hub.
        dtype: Type of the matrix products.
        languages: ISO 639-1 codes of the supported languages; empty: not limited.
        progress: Called with the number of finished steps and of all steps.

    Raises:
        RerankError: the source is unavailable or not a reranker, or disk or memory is too small.
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
