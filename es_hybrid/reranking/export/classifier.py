"""Exports a cross-encoder: BGE, GTE, MiniLM or any other sequence classifier of transformers.

optimum-onnx traces the model, the tools of ONNX Runtime convert it to fp16 or int8, and the labels
become one logit in float32. No code from the checkpoint is executed.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
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
from es_hybrid.reranking.canaries import CANARIES
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3_graph import Dtype, ExportProgress
from es_hybrid.reranking.export.room import check_room
from es_hybrid.reranking.export.smoothing import largest_activations, smooth
from es_hybrid.reranking.manifest import GRAPH, MANIFEST, TOKENIZER, Manifest, checksums

__all__ = ["export_classifier"]

_KIND = "ForSequenceClassification"
_LABELS = "logits"  # name of the output in optimum
# Peak memory relative to the fp32 weights, measured with 568 million weights.
_COPIES = {"fp32": 3.5, "fp16": 3.5, "int8": 5.0}
# From this size on, the weights go to a separate file: a graph is limited to 2 GB.
_EXTERNAL_FROM = 1_000_000_000  # bytes
_STEPS = 4
# Operators with nearly all of the weights. The head is not quantized.
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
        dtype: Type of the matrix products. `int8` is for the CPU: one scale per column of a
            weight; activations are smoothed, and quantized at run time.
        folder, source, revision, languages, progress: As in `export`.

    Raises:
        RerankError: the checkpoint cannot be exported, or disk or memory is too small.
    """
    say = progress or (lambda done, steps: None)
    folder.mkdir(parents=True, exist_ok=True)
    # Without a manifest the folder is not usable, so an interrupted export leaves no model.
    (folder / MANIFEST).unlink(missing_ok=True)
    size = checkpoint.parameters * 4.0
    check_room(folder, disk=2 * size, memory=size * _COPIES[dtype])
    with _quiet(), tempfile.TemporaryDirectory(dir=folder) as name:
        model, tokenizer = _load(checkpoint)
        say(1, _STEPS)
        traced = _trace(model, Path(name), str(checkpoint.folder))
        say(2, _STEPS)
        if dtype == "int8":
            _smooth(traced, tokenizer)
        graph = _converted(traced, dtype)
        say(3, _STEPS)
        _one_logit(graph, model.config.num_labels)
        files = _save(graph, folder / GRAPH)
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
    # transformers gives an encoder without a head random weights and only warns.
    if not any(str(kind).endswith(_KIND) for kind in kinds):
        raise RerankError(
            f"{', '.join(map(str, kinds)) or 'an unknown architecture'} is not a cross-encoder",
            place=place,
            remedy=f"use a checkpoint whose architecture ends in {_KIND}",
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
    except Exception as error:  # unknown types, missing files: no common base class
        raise _cannot("be loaded", error, place) from None
    if info["missing_keys"]:
        raise RerankError(
            f"weights are missing: {', '.join(sorted(info['missing_keys'])[:3])}",
            place=place,
            remedy="use a complete checkpoint of a cross-encoder",
        )
    if model.config.num_labels not in (1, 2):
        raise RerankError(
            f"a classifier with {model.config.num_labels} labels",
            place=place,
            remedy="use a reranker, which has one or two labels",
        )
    if not tokenizer.is_fast:
        raise RerankError(
            "the tokenizer has no tokenizer.json form", place=place, remedy="use another model"
        )
    return model.float().eval(), tokenizer


def _trace(model: Any, folder: Path, place: str) -> Path:
    """Export the model with optimum."""
    try:
        exporters: Any = importlib.import_module("optimum.exporters.onnx")
    except ImportError:
        raise MissingExtra("optimum-onnx", "export") from None
    try:
        # `model verify` is stricter than the check of optimum.
        exporters.onnx_export_from_model(
            model, folder, task="text-classification", do_validation=False
        )
    except Exception as error:  # the errors of torch and optimum share no base class
        raise _cannot("be traced", error, place) from None
    return folder / GRAPH


def _smooth(path: Path, tokenizer: Any) -> None:
    """Smooth the graph at `path`, with the activations of the canaries."""
    pairs = [
        (canary.query, other.product)
        for canaries in CANARIES.values()
        for canary, other in itertools.product(canaries, repeat=2)
    ]
    inputs = [tokenizer(*pair, truncation=True, return_tensors="np") for pair in pairs]
    largest = largest_activations(path, inputs)
    model = onnx.load(path)
    smooth(model, largest)
    for file in path.parent.iterdir():  # disk for one copy, and onnx would append to the weights
        file.unlink()
    _save(model, path)


def _converted(path: Path, dtype: Dtype) -> Any:
    """Convert the matrix products to `dtype`; inputs and outputs keep their types."""
    if dtype == "fp32":
        return onnx.load(path)
    if dtype == "fp16":
        float16: Any = importlib.import_module("onnxruntime.transformers.float16")
        return float16.convert_float_to_float16(str(path), keep_io_types=True)
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    quantized = path.with_name("int8.onnx")
    nodes = onnx.load(path, load_external_data=False).graph.node
    quantization.quantize_dynamic(
        path,
        quantized,
        per_channel=True,
        # Seven bits: eight overflow on x86 processors without VNNI and gain nothing, since the
        # activations contribute the larger error.
        reduce_range=True,
        op_types_to_quantize=_QUANTIZED,
        # Pooler and classifier, under the names the quantizer gives to their products.
        nodes_to_exclude=[f"{node.name}_MatMul" for node in nodes if node.op_type == "Gemm"],
        weight_type=quantization.QuantType.QInt8,
    )
    return onnx.load(quantized)


def _one_logit(model: Any, labels: int) -> None:
    """Reduce `[batch, labels]` to `logit`, `[batch]`, > 0 for a match.

    The softmax over two labels equals the sigmoid of their difference.
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


def _save(graph: Any, path: Path) -> list[str]:
    """Write the graph, with a separate file for large weights; return the file names."""
    external = f"{path.name}.data"
    # onnx would append to that of an earlier export.
    path.with_name(external).unlink(missing_ok=True)
    # `ByteSize` of the graph itself fails above 2 GB.
    if sum(tensor.ByteSize() for tensor in graph.graph.initializer) < _EXTERNAL_FROM:
        onnx.save(graph, path)
        return [path.name]
    onnx.save(graph, path, save_as_external_data=True, location=external)
    return [path.name, external]


def _max_length(config: Any, tokenizer: Any) -> int:
    """Longest pair in tokens. RoBERTa models start counting positions after the padding id."""
    positions = int(getattr(config, "max_position_embeddings", 512))
    if config.model_type in _OFFSET_POSITIONS:
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(tokenizer.model_max_length))


def _cannot(what: str, error: Exception, place: str) -> RerankError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return RerankError(
        f"cannot {what}: {reason}",
        place=place,
        remedy="use a cross-encoder that optimum-onnx supports",
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the warnings of the tracer: they concern torch, not the model."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
