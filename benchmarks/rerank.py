"""Speed of the exported Qwen3 graph on the CPU against torch, on the same weights and texts.

    python -m benchmarks.rerank                                         # a 512-wide model, minutes
    python -m benchmarks.rerank --shape 0.6b --candidates 20 --rounds 1  # the true shape, an hour

Every way scores the same 50 candidates of one query in turn, round after round, so that a busy
machine is busy for all; a way's time is its best round. The rivals are the model card's snippet,
a pair at a time and in batches, and sentence-transformers' CrossEncoder; each RATIO line is our
pairs a second divided by those of the fastest rival. One further way is no rival but a bound: what
torch does when told all that can be told it (sorted, one logit). The run fails where a score in
fp32 is off by more than 1e-4.

Random weights tell nothing about how far int8 drifts on a trained model.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.made_models import CONTROL, SHAPES, make_checkpoint, make_classifier, texts
from es_hybrid.reranking.export import Dtype
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.verify import TOLERANCES, kendall_tau
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

Scores = NDArray[np.float32]
Way = Callable[[str, Sequence[str]], Scores]

ONE_BY_ONE = "transformers, one at a time"
BOUND = "bound: torch, one logit, sorted"
OURS = ("es-hybrid fp32", "es-hybrid int8")


def main() -> None:
    """Build the model, export it, time every way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    importlib.import_module("torch").set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_checkpoint(folder / "checkpoint", SHAPES[options.shape])
        ways: dict[str, Way] = {}
        dtypes: tuple[Dtype, ...] = ("fp32", "int8")
        for way, dtype in zip(OURS, dtypes, strict=True):
            export_qwen3(
                Checkpoint(folder / "checkpoint"), folder / dtype, source="random", dtype=dtype
            )
            ways[way] = OnnxReranker(folder / dtype, provider="cpu", threads=options.threads).score
        encoder = PromptEncoder(folder / "fp32" / "tokenizer.json")
        ways |= transformers_ways(folder / "checkpoint", encoder)
        ways["sentence-transformers"] = cross_encoder(folder, encoder)
        print(f"{options.shape}, {options.candidates} candidates, {options.threads} threads")
        equal = [
            compare(kind, documents, ways, options.rounds)
            for kind, documents in texts(encoder, options.candidates).items()
        ]
    if not all(equal):
        sys.exit("the scores are not equal")


def compare(kind: str, documents: Sequence[str], ways: dict[str, Way], rounds: int) -> bool:
    """Time the ways in turn and print a line for each, then the ratios; whether fp32 is equal."""
    best = dict.fromkeys(ways, float("inf"))
    scores: dict[str, Scores] = {}
    for turn in range(rounds):
        # A query of its own each round: ours would otherwise find its head in the cache.
        query = f"waterproof action camera {turn}"
        for name, score in ways.items():
            started = time.perf_counter()
            scores[name] = score(query, documents)
            best[name] = min(best[name], time.perf_counter() - started)
    deltas = {name: float(np.abs(scores[name] - scores[ONE_BY_ONE]).max()) for name in ways}
    for name, seconds in best.items():
        tau = kendall_tau(scores[name], scores[ONE_BY_ONE])
        print(
            f"{kind:<12} {name:<34} {len(documents) / seconds:8.2f} pairs/s   "
            f"max |Δ| {deltas[name]:.1e}   tau {tau:.3f}",
            flush=True,
        )
    rivals = [name for name in ways if name not in (*OURS, BOUND)]
    rival = min(rivals, key=best.__getitem__)
    for name in OURS:
        label = re.sub(r"\W+", "_", f"rerank_{kind}_{name}_vs_{rival}")
        print(f"RATIO {label} {best[rival] / best[name]:.2f}", flush=True)
    return deltas[OURS[0]] <= TOLERANCES["fp32"]


def transformers_ways(checkpoint: Path, encoder: PromptEncoder) -> dict[str, Way]:
    """The model card's way, alone and in batches, and the cheapest way torch has."""
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

    def way(size: int, *, by_length: bool, **arguments: Any) -> Way:
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
        ONE_BY_ONE: way(1, by_length=False),
        "transformers, batches of 8": way(8, by_length=False),
        BOUND: way(8, by_length=True, logits_to_keep=1),
    }


def cross_encoder(folder: Path, encoder: PromptEncoder) -> Way:
    """sentence-transformers' way; it sorts by length, and has batches of 32."""
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
