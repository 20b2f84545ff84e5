"""The exported Qwen3 graph on a CUDA card, FP16, against transformers FP16 on the same weights.

    python -m benchmarks.rerank_gpu                  # the shape of 0.6B, random weights
    python -m benchmarks.rerank_gpu --shape small

For 1, 4, 8 and 50 documents of a query: milliseconds of a call (p50, p99), pairs a second, memory
of the card, and the share of the card's speed that the useful arithmetic comes to. That speed is
measured, by a product of large matrices, and not taken from a data sheet. Every call has a query
of its own, so that nothing of it is in the cache. Needs `es-hybrid[gpu]` and torch with CUDA.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.made_models import CONTROL, SHAPES, make_checkpoint, texts
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.verify import TOLERANCES
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

Scores = NDArray[np.float32]
Way = Callable[[str, Sequence[str]], Scores]

SIZES = (1, 4, 8, 50)


def main() -> None:
    """Build the model, export it, time both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="0.6b")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--length", choices=["60 tokens", "200 tokens"], default="200 tokens")
    options = parser.parse_args()
    torch: Any = importlib.import_module("torch")
    if not torch.cuda.is_available():
        sys.exit("torch finds no CUDA card")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_checkpoint(folder / "checkpoint", SHAPES[options.shape])
        weights = Checkpoint(folder / "checkpoint")
        export_qwen3(weights, folder / "fp16", source="random", dtype="fp16")
        encoder = PromptEncoder(folder / "fp16" / "tokenizer.json")
        documents = texts(encoder, max(SIZES))[options.length]
        speed = matmul_speed(torch)
        print(f"{torch.cuda.get_device_name()}: {speed / 1e12:,.0f} TFLOP/s in a product of FP16")
        free = torch.cuda.mem_get_info()[0]
        rival = transformers_way(folder / "checkpoint", encoder)
        free = say_memory(torch, "transformers FP16", free)
        ours = OnnxReranker(folder / "fp16", provider="cuda")
        if ours.provider != "cuda":
            sys.exit("ONNX Runtime fell back to the CPU: install es-hybrid[gpu]")
        ours.warm_up()
        say_memory(torch, "es-hybrid FP16", free)
        # A multiplication and an addition for each weight and token; the embedding is looked up.
        words = SHAPES[options.shape]["vocab_size"] * SHAPES[options.shape]["hidden_size"]
        work = 2.0 * (weights.parameters - words)
        equal = all(
            compare(size, documents[:size], ours.score, rival, encoder, options.calls, work / speed)
            for size in SIZES
        )
    if not equal:
        sys.exit("the scores are not equal")


def compare(
    size: int,
    documents: Sequence[str],
    ours: Way,
    rival: Way,
    encoder: PromptEncoder,
    calls: int,
    seconds_per_token: float,
) -> bool:
    """Time both in turn and print a line for each, then the ratio; whether they are equal."""
    spent: dict[str, list[float]] = {"es-hybrid": [], "transformers": []}
    delta = 0.0
    for call in range(calls + 3):
        scores = []
        for name, way in zip(spent, (ours, rival), strict=True):
            started = time.perf_counter()
            scores.append(way(f"waterproof action camera {size} {call}", documents))
            spent[name].append(time.perf_counter() - started)
        delta = max(delta, float(np.abs(scores[0] - scores[1]).max()))
    head = len(encoder.head("waterproof action camera 0 0", DEFAULT_INSTRUCTION))
    rows = sum(map(len, encoder.documents(documents, head)))
    for name, all_seconds in spent.items():
        seconds = np.array(all_seconds[3:])  # the first calls pay for what is made once
        p50, p99 = np.percentile(seconds * 1000, [50, 99])
        share = (head + rows) * seconds_per_token / np.median(seconds)
        print(
            f"{size:>3} documents  {name:<13} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   "
            f"{size / np.mean(seconds):8.1f} pairs/s   {share:5.1%} of the card   "
            f"max |Δ| {delta:.1e}",
            flush=True,
        )
    ratio = np.median(spent["transformers"][3:]) / np.median(spent["es-hybrid"][3:])
    print(f"RATIO rerank_gpu_{size}_documents_vs_transformers_fp16 {ratio:.2f}", flush=True)
    return delta <= TOLERANCES["fp16"]


def matmul_speed(torch: Any) -> float:
    """FLOP/s of a product of large FP16 matrices."""
    side = 8192
    left, right = (torch.randn(side, side, device="cuda", dtype=torch.float16) for _ in "ab")
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        started = time.perf_counter()
        left @ right
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    del left, right
    torch.cuda.empty_cache()
    return 2.0 * side**3 / best


def say_memory(torch: Any, name: str, free_before: int) -> int:
    """Print what was taken since; what is free now, in bytes."""
    torch.cuda.empty_cache()
    free: int = torch.cuda.mem_get_info()[0]
    print(f"{name}: {(free_before - free) / 1e9:.2f} GB of the card's memory")
    return free


def transformers_way(checkpoint: Path, encoder: PromptEncoder) -> Way:
    """The model card's way in FP16, all documents in one batch, one position's logits."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    model = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint, dtype=torch.float16)
    model = model.cuda().eval()
    yes, no, pad = encoder.token_id("yes"), encoder.token_id("no"), encoder.control[CONTROL[0]]

    def score(query: str, documents: Sequence[str]) -> Scores:
        head = encoder.head(query, DEFAULT_INSTRUCTION)
        rows = [head + row for row in encoder.documents(documents, len(head))]
        width = max(map(len, rows))
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device="cuda")
        mask = torch.tensor(
            [[0] * (width - len(row)) + [1] * len(row) for row in rows], device="cuda"
        )
        with torch.inference_mode():
            answer = model(input_ids=ids, attention_mask=mask, logits_to_keep=1)
            logits = answer.logits[:, -1, :].float()
            scores: Scores = torch.softmax(logits[:, [no, yes]], dim=1)[:, 1].cpu().numpy()
        return scores

    score("warm up", ["once"])
    return score


if __name__ == "__main__":
    main()
