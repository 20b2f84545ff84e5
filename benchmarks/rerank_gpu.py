"""The exported Qwen3 graph on a GPU in FP16, compared with transformers on the same weights.

    python -m benchmarks.rerank_gpu                  # the shape of 0.6B, random weights
    python -m benchmarks.rerank_gpu --shape small

For 1, 4, 8 and 50 documents per query: milliseconds per call (p50, p99), pairs per second, GPU
memory, and the useful arithmetic as a share of the GPU's speed. That speed is measured with a
product of large matrices, not taken from a data sheet. Every call has another query, so nothing is
cached. Needs the extra `gpu` and torch with CUDA. A smoke run also works on the CPU.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import Options, parse_arguments
from benchmarks.made_models import CONTROL, SHAPES, make_checkpoint, texts
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.verify import TOLERANCES
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

Scores = NDArray[np.float32]
Method = Callable[[str, Sequence[str]], Scores]

SIZES = (1, 4, 8, 50)


def main() -> None:
    """Build the model, export it, time both methods."""
    options = parse_arguments(
        __doc__,
        choices={"shape": SHAPES, "length": ["60 tokens", "200 tokens"]},
        shape=("0.6b", "tiny"),
        calls=(100, 2),
        length=("200 tokens", "60 tokens"),
    )
    torch: Any = importlib.import_module("torch")
    device: Literal["cpu", "cuda"] = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.smoke:
        sys.exit("torch finds no CUDA GPU")
    sizes = SIZES[:2] if options.smoke else SIZES
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_checkpoint(folder / "checkpoint", SHAPES[options.shape])
        weights = Checkpoint(folder / "checkpoint")
        export_qwen3(weights, folder / "fp16", source="random", dtype="fp16")
        encoder = PromptEncoder(folder / "fp16" / "tokenizer.json")
        documents = texts(encoder, max(sizes))[options.length]
        speed = matmul_speed(torch, device, 256 if options.smoke else 8192)
        print(f"{device}: {speed / 1e12:,.3g} TFLOP/s in a product of FP16 matrices")
        free = free_memory(torch, device)
        rival = transformers_method(folder / "checkpoint", encoder, device)
        print_memory("transformers FP16", free - free_memory(torch, device))
        free = free_memory(torch, device)
        ours = OnnxReranker(folder / "fp16", provider=device)
        if ours.provider != device:
            sys.exit('ONNX Runtime fell back to the CPU; run `pip install ".[gpu]"`')
        ours.warm_up()
        print_memory("es-hybrid FP16", free - free_memory(torch, device))
        # One multiplication and one addition per weight and token; the embedding is looked up.
        words = SHAPES[options.shape]["vocab_size"] * SHAPES[options.shape]["hidden_size"]
        work = 2.0 * (weights.parameters - words)
        equal = all(
            compare(documents[:size], ours.score, rival, encoder, work / speed, options)
            for size in sizes
        )
    if not equal:
        sys.exit("the scores differ from those of transformers")


def compare(
    documents: Sequence[str],
    ours: Method,
    rival: Method,
    encoder: PromptEncoder,
    seconds_per_token: float,
    options: Options,
) -> bool:
    """Time both in turn and print the results; returns whether the scores are equal."""
    size = len(documents)
    spent: dict[str, list[float]] = {"es-hybrid": [], "transformers": []}
    delta = 0.0
    for call in range(options.calls + 3):
        scores = []
        for name, score in zip(spent, (ours, rival), strict=True):
            started = time.perf_counter()
            scores.append(score(f"waterproof action camera {size} {call}", documents))
            spent[name].append(time.perf_counter() - started)
        delta = max(delta, float(np.abs(scores[0] - scores[1]).max()))
    head = len(encoder.head("waterproof action camera 0 0", DEFAULT_INSTRUCTION))
    rows = sum(map(len, encoder.documents(documents, head)))
    for name, all_seconds in spent.items():
        seconds = np.array(all_seconds[3:])  # without the warm-up calls
        p50, p99 = np.percentile(seconds * 1000, [50, 99])
        share = (head + rows) * seconds_per_token / np.median(seconds)
        print(
            f"{size:>3} documents  {name:<13} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   "
            f"{size / np.mean(seconds):8.1f} pairs/s   {share:5.1%} of the GPU   "
            f"max |Δ| {delta:.1e}",
            flush=True,
        )
    ratio = np.median(spent["transformers"][3:]) / np.median(spent["es-hybrid"][3:])
    options.print_ratio(f"rerank_gpu_{size}_documents_vs_transformers_fp16", float(ratio))
    return delta <= TOLERANCES["fp16"]


def matmul_speed(torch: Any, device: str, side: int) -> float:
    """FLOP/s of a product of FP16 matrices."""
    left, right = (torch.randn(side, side, device=device, dtype=torch.float16) for _ in "ab")
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None
    best = float("inf")
    for _ in range(10):
        synchronize()
        started = time.perf_counter()
        left @ right
        synchronize()
        best = min(best, time.perf_counter() - started)
    return 2.0 * side**3 / best


def free_memory(torch: Any, device: str) -> int:
    """Free bytes of GPU memory; 0 on the CPU."""
    if device == "cpu":
        return 0
    torch.cuda.empty_cache()
    free: int = torch.cuda.mem_get_info()[0]
    return free


def print_memory(name: str, taken: int) -> None:
    """Print the bytes that a model takes."""
    print(f"{name}: {taken / 1e9:.2f} GB of GPU memory")


def transformers_method(checkpoint: Path, encoder: PromptEncoder, device: str) -> Method:
    """The model card's method in FP16: all documents in one batch, logits of one position."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    model = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint, dtype=torch.float16)
    model = model.to(device).eval()
    yes, no, pad = encoder.token_id("yes"), encoder.token_id("no"), encoder.control[CONTROL[0]]

    def score(query: str, documents: Sequence[str]) -> Scores:
        head = encoder.head(query, DEFAULT_INSTRUCTION)
        rows = [head + row for row in encoder.documents(documents, len(head))]
        width = max(map(len, rows))
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=device)
        mask = torch.tensor(
            [[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device
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
