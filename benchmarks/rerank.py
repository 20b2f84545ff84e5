"""Speed of the exported Qwen3 graph on the CPU compared with torch, on the same weights and texts.

    python -m benchmarks.rerank                                         # a 512-wide model, minutes
    python -m benchmarks.rerank --shape 0.6b --candidates 20 --rounds 1  # the real shape, an hour

All methods score the same candidates of one query in turn, round after round, so that other load on
the machine affects all of them. The time of a method is the median of its rounds. The rivals are
the model card's snippet, one pair at a time and in batches, and sentence-transformers'
CrossEncoder. Each RATIO line is our pairs per second divided by those of the fastest rival. One
more method is a bound, not a rival: torch with every optimisation (sorted by length, one logit).
The run fails if an fp32 score is off by more than 1e-4.

Each row ends with the share of the machine's speed that the useful arithmetic reaches: that of the
query once and of each document once, held against a product of large matrices, fp32 or int8.

Random weights say nothing about the accuracy of int8 on a trained model.
"""

from __future__ import annotations

import importlib
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import Options, parse_arguments
from benchmarks.made_models import CONTROL, SHAPES, make_checkpoint, make_classifier, texts
from benchmarks.roofline import arithmetic_per_token, onnx_product_speed, product_speed
from es_hybrid.reranking.export import Dtype
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.verify import TOLERANCES, kendall_tau
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

Scores = NDArray[np.float32]
Method = Callable[[str, Sequence[str]], Scores]

ONE_BY_ONE = "transformers, one at a time"
BOUND = "bound: torch, one logit, sorted"
OURS = ("es-hybrid fp32", "es-hybrid int8")


def main() -> None:
    """Build the model, export it, time every method."""
    options = parse_arguments(
        __doc__,
        choices={"shape": SHAPES},
        shape=("small", "tiny"),
        candidates=(50, 4),
        rounds=(3, 1),
        threads=(2, 2),
    )
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_checkpoint(folder / "checkpoint", SHAPES[options.shape])
        methods: dict[str, Method] = {}
        dtypes: tuple[Dtype, ...] = ("fp32", "int8")
        for name, dtype in zip(OURS, dtypes, strict=True):
            export_qwen3(
                Checkpoint(folder / "checkpoint"), folder / dtype, source="random", dtype=dtype
            )
            reranker = OnnxReranker(folder / dtype, provider="cpu", threads=options.threads)
            methods[name] = reranker.score
        encoder = PromptEncoder(folder / "fp32" / "tokenizer.json")
        methods |= transformers_methods(folder / "checkpoint", encoder)
        methods["sentence-transformers"] = cross_encoder(folder, encoder)
        print(f"{options.shape}, {options.candidates} candidates, {options.threads} threads")
        speeds = measure_speeds(torch, options)
        per_token = arithmetic_per_token(Checkpoint(folder / "checkpoint"), SHAPES[options.shape])
        seconds = {name: per_token / speed for name, speed in speeds.items()}
        equal = [
            compare(kind, documents, methods, encoder, seconds, options)
            for kind, documents in texts(encoder, options.candidates).items()
        ]
    if not all(equal):
        sys.exit("the scores differ from those of transformers")


def measure_speeds(torch: Any, options: Options) -> dict[str, float]:
    """Operations per second in a product of large matrices, fp32 and int8; prints both.

    On processors of AMD, ONNX Runtime multiplies up to twice as fast as torch.
    """
    side = 256 if options.smoke else 2048
    torch_speed = product_speed(torch, "cpu", torch.float32, side)
    speeds = {
        "fp32": max(torch_speed, onnx_product_speed("fp32", options.threads, side)),
        "int8": onnx_product_speed("int8", options.threads, side),
    }
    for name, speed in speeds.items():
        print(f"{name}: {speed / 1e9:,.0f} G operations/s in a product of matrices")
    return speeds


def compare(
    kind: str,
    documents: Sequence[str],
    methods: dict[str, Method],
    encoder: PromptEncoder,
    seconds_per_token: dict[str, float],
    options: Options,
) -> bool:
    """Time the methods in turn and print the results; returns whether the fp32 scores are equal.

    Args:
        seconds_per_token: dtype -> time of a token's arithmetic at the machine's speed.
    """
    spent: dict[str, list[float]] = {name: [] for name in methods}
    scores: dict[str, Scores] = {}
    for turn in range(options.rounds):
        # Each round has another query, because ours caches the query part of the prompt.
        query = f"waterproof action camera {turn}"
        for name, score in methods.items():
            started = time.perf_counter()
            scores[name] = score(query, documents)
            spent[name].append(time.perf_counter() - started)
    typical = {name: statistics.median(times) for name, times in spent.items()}
    head = encoder.head(query, DEFAULT_INSTRUCTION)
    tokens = len(head) + sum(map(len, encoder.documents(documents, len(head))))
    deltas = {name: float(np.abs(scores[name] - scores[ONE_BY_ONE]).max()) for name in methods}
    for name, seconds in typical.items():
        tau = kendall_tau(scores[name], scores[ONE_BY_ONE])
        dtype = "int8" if name.endswith("int8") else "fp32"
        share = tokens * seconds_per_token[dtype] / seconds
        print(
            f"{kind:<12} {name:<34} {len(documents) / seconds:8.2f} pairs/s   "
            f"max |Δ| {deltas[name]:.1e}   tau {tau:.3f}   {share:4.0%} of the machine",
            flush=True,
        )
    rivals = [name for name in methods if name not in (*OURS, BOUND)]
    rival = min(rivals, key=typical.__getitem__)
    for name in OURS:
        label = re.sub(r"\W+", "_", f"rerank_{kind}_{name}_vs_{rival}")
        options.print_ratio(
            label,
            typical[rival] / typical[name],
            ours=f"{len(documents) / typical[name]:.1f} pairs/s",
            rival=f"{rival}: {len(documents) / typical[rival]:.1f} pairs/s",
        )
    return deltas[OURS[0]] <= TOLERANCES["fp32"]


def transformers_methods(checkpoint: Path, encoder: PromptEncoder) -> dict[str, Method]:
    """The model card's method, one by one and in batches, and the fastest method torch has."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    model = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    yes, no, pad = encoder.token_id("yes"), encoder.token_id("no"), encoder.control[CONTROL[0]]

    def forward(rows: Sequence[list[int]], **arguments: Any) -> Scores:
        width = max(map(len, rows))
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask, **arguments).logits[:, -1, :]
            scores: Scores = torch.softmax(logits[:, [no, yes]], dim=1)[:, 1].numpy()
        return scores

    def method(size: int, *, by_length: bool, **arguments: Any) -> Method:
        def score(query: str, documents: Sequence[str]) -> Scores:
            head = encoder.head(query, DEFAULT_INSTRUCTION)
            rows = [head + row for row in encoder.documents(documents, len(head))]
            order = sorted(range(len(rows)), key=lambda i: len(rows[i]) if by_length else i)
            scores = np.empty(len(rows), dtype=np.float32)
            for start in range(0, len(rows), size):
                group = order[start : start + size]
                scores[group] = forward([rows[i] for i in group], **arguments)
            return scores

        return score

    return {
        ONE_BY_ONE: method(1, by_length=False),
        "transformers, batches of 8": method(8, by_length=False),
        BOUND: method(8, by_length=True, logits_to_keep=1),
    }


def cross_encoder(folder: Path, encoder: PromptEncoder) -> Method:
    """sentence-transformers' CrossEncoder, which sorts by length and uses batches of 32."""
    sentence_transformers: Any = importlib.import_module("sentence_transformers")
    make_classifier(
        folder / "checkpoint",
        folder / "classifier",
        encoder.token_id("yes"),
        encoder.token_id("no"),
    )
    model = sentence_transformers.CrossEncoder(str(folder / "classifier"), device="cpu")

    def score(query: str, documents: Sequence[str]) -> Scores:
        left = encoder.template.head.format(instruction=DEFAULT_INSTRUCTION, query=query)
        pairs = [(left, f" {text}{encoder.template.tail}") for text in documents]
        scores: Scores = model.predict(pairs, show_progress_bar=False)
        return scores

    return score


if __name__ == "__main__":
    main()
