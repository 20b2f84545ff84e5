"""Exporting a cross-encoder: BGE, GTE, MiniLM and whatever else transformers classifies pairs with.

optimum-onnx traces the model; the types are then narrowed with ONNX Runtime's own tools, and the
labels become one logit in float32. No code of the checkpoint's is run.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from es_hybrid.errors import MissingExtra, RerankError
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3_graph import Dtype, ExportProgress
from es_hybrid.reranking.export.room import check_room
from es_hybrid.reranking.manifest import GRAPH, MANIFEST, TOKENIZER, Manifest, checksums

__all__ = ["export_classifier"]

_KIND = "ForSequenceClassification"
_LABELS = "logits"  # optimum's name for the output
# Times the weights in memory, measured at 568 million.
_COPIES = {"fp32": 3.5, "fp16": 3.5, "int8": 5.0}
# From this size on the weights go to a file beside the graph, which may not pass 2 GB.
_BESIDE = 1_000_000_000  # bytes
_STEPS = 4
# The products and the embeddings hold nearly all weights. The head stays as it is.
_QUANTIZED = ["MatMul", "Gather"]
_OFFSET_POSITIONS = ("camembert", "roberta", "xlm-roberta")


def export_classifier(
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

    Args:
        checkpoint: A model with one label, or with two of which the second means a match.
        folder: Made where it is not there; an earlier export in it is replaced.
        source: Where the weights came from, for the record.
        revision: Its commit, for the record.
        dtype: Of the graph's products. `int8` is for the CPU: a scale for each column of a
            weight, activations on the fly.
        languages: ISO 639-1 codes the model is good for; none: not limited.
        progress: Called with the steps done and their number.

    Raises:
        RerankError: the checkpoint is no classifier that can be exported, or there is no room.
    """
    say = progress or (lambda done, steps: None)
    folder.mkdir(parents=True, exist_ok=True)
    # Without a manifest the folder is no model, should the export not come to its end.
    (folder / MANIFEST).unlink(missing_ok=True)
    size = checkpoint.parameters * 4.0
    check_room(folder, disk=2 * size, memory=size * _COPIES[dtype])
    with _quiet(), tempfile.TemporaryDirectory(dir=folder) as name:
        model, tokenizer = _load(checkpoint)
        say(1, _STEPS)
        traced = _trace(model, Path(name), str(checkpoint.folder))
        say(2, _STEPS)
        graph = _narrowed(traced, dtype)
        say(3, _STEPS)
        _one_logit(graph, model.config.num_labels)
        files = _save(graph, folder)
        tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    manifest = Manifest(
        architecture="classifier",
        source=source,
        revision=revision,
        dtype=dtype,
        opset=next(one.version for one in graph.opset_import if not one.domain),
        max_length=_max_length(model.config, tokenizer),
        tokens={"pad": int(tokenizer.pad_token_id)},
        languages=tuple(languages),
        files=checksums(folder, [*files, TOKENIZER]),
    )
    manifest.write(folder)
    say(_STEPS, _STEPS)
    return manifest


def _load(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """The model and its tokenizer."""
    place = str(checkpoint.folder)
    kinds = checkpoint.config.get("architectures") or []
    # transformers gives any encoder a head with random weights and only warns.
    if not any(str(kind).endswith(_KIND) for kind in kinds):
        raise RerankError(
            f"a {', '.join(map(str, kinds)) or 'model of no kind'}, not a cross-encoder",
            place=place,
            remedy=f"give a checkpoint whose architecture ends in {_KIND}",
        )
    try:
        transformers: Any = importlib.import_module("transformers")
    except ImportError:
        raise MissingExtra("transformers", "export") from None
    try:
        model, info = transformers.AutoModelForSequenceClassification.from_pretrained(
            checkpoint.folder,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation="eager",
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            checkpoint.folder, trust_remote_code=False
        )
    except Exception as error:  # unknown types, missing files: no class in common
        raise _cannot("be loaded", error, place) from None
    if info["missing_keys"]:
        raise RerankError(
            f"weights are missing: {', '.join(sorted(info['missing_keys'])[:3])}",
            place=place,
            remedy="use a complete checkpoint of a cross-encoder",
        )
    if model.config.num_labels not in (1, 2):
        raise RerankError(
            f"a classifier of {model.config.num_labels} labels",
            place=place,
            remedy="a reranker has one label or two",
        )
    if not tokenizer.is_fast:
        raise RerankError(
            "its tokenizer cannot be had as tokenizer.json", place=place, remedy="use another model"
        )
    return model.float().eval(), tokenizer


def _trace(model: Any, folder: Path, place: str) -> Path:
    """The graph as optimum writes it."""
    try:
        exporters: Any = importlib.import_module("optimum.exporters.onnx")
    except ImportError:
        raise MissingExtra("optimum-onnx", "export") from None
    try:
        # The check against the original is ours, and stricter.
        exporters.onnx_export_from_model(
            model, folder, task="text-classification", do_validation=False
        )
    except Exception as error:  # torch's and optimum's errors have no class in common
        raise _cannot("be traced", error, place) from None
    return folder / GRAPH


def _narrowed(path: Path, dtype: Dtype) -> Any:
    """The graph with its products in the type asked for; its inputs and outputs stay."""
    if dtype == "fp32":
        return onnx.load(path)
    if dtype == "fp16":
        float16: Any = importlib.import_module("onnxruntime.transformers.float16")
        return float16.convert_float_to_float16(str(path), keep_io_types=True)
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    narrow = path.with_name("int8.onnx")
    nodes = onnx.load(path, load_external_data=False).graph.node
    quantization.quantize_dynamic(
        path,
        narrow,
        per_channel=True,
        # Seven bits: with eight, x86 processors without VNNI overflow, and nothing is won, since
        # the activations' error is the larger.
        reduce_range=True,
        op_types_to_quantize=_QUANTIZED,
        # Pooler and classifier, by the names they get when they are taken apart first.
        nodes_to_exclude=[f"{node.name}_MatMul" for node in nodes if node.op_type == "Gemm"],
        weight_type=quantization.QuantType.QInt8,
    )
    return onnx.load(narrow)


def _one_logit(model: Any, labels: int) -> None:
    """Make `[batch, labels]` into `logit`, `[batch]`, > 0 for a match.

    sigmoid of the second label's lead is the softmax over the two.
    """
    graph = model.graph
    last = _LABELS
    if labels == 2:
        lead = np.array([[-1.0], [1.0]], dtype=np.float32)
        graph.initializer.append(numpy_helper.from_array(lead, "lead"))
        graph.node.append(helper.make_node("MatMul", [_LABELS, "lead"], ["matched"]))
        last = "matched"
    graph.initializer.append(numpy_helper.from_array(np.array([1]), "label_axis"))
    graph.node.append(helper.make_node("Squeeze", [last, "label_axis"], ["logit"]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"]))


def _save(graph: Any, folder: Path) -> list[str]:
    """Write the graph, and its weights beside it when they are many; the files' names."""
    beside = f"{GRAPH}.data"
    (folder / beside).unlink(missing_ok=True)  # of an earlier export; onnx would append to it
    # Not the graph's own ByteSize, which fails above 2 GB.
    if sum(tensor.ByteSize() for tensor in graph.graph.initializer) < _BESIDE:
        onnx.save(graph, folder / GRAPH)
        return [GRAPH]
    onnx.save(graph, folder / GRAPH, save_as_external_data=True, location=beside)
    return [GRAPH, beside]


def _max_length(config: Any, tokenizer: Any) -> int:
    """Tokens of a pair. RoBERTa's kin count positions from behind the padding's."""
    positions = int(getattr(config, "max_position_embeddings", 512))
    if config.model_type in _OFFSET_POSITIONS:
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(tokenizer.model_max_length))


def _cannot(what: str, error: Exception, place: str) -> RerankError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return RerankError(
        f"cannot {what}: {reason}", place=place, remedy="use a cross-encoder optimum-onnx knows"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the tracer's warnings, which are about torch and not about the model."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
