"""Speed of the exported Qwen3 graph against transformers, on the same weights and texts.

    python -m benchmarks.rerank                  # a 512-wide model, minutes
    python -m benchmarks.rerank --shape 0.6b     # the true shape, random weights, an hour

Every way scores the same 50 candidates of one query in turn, round after round, so that a busy
machine is busy for all; a way's time is its best round. Each RATIO line is our pairs a second
divided by those of the fastest way of transformers, or sentence-transformers where installed.
Random weights tell nothing about how far int8 drifts on a trained model.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.rerank.export.checkpoint import Checkpoint
from es_hybrid.rerank.export.qwen3 import export_qwen3
from es_hybrid.rerank.onnx import OnnxReranker
from es_hybrid.rerank.instructions import DEFAULT_INSTRUCTION
from es_hybrid.rerank.prompt import PromptEncoder
from es_hybrid.rerank.samples import LONG, SAMPLES
from es_hybrid.rerank.verify import kendall_tau

Scores = NDArray[np.float32]
Way = Callable[[str, Sequence[str]], Scores]

# The small vocabulary keeps the share of the head in the work what it is at 0.6B.
SHAPES: dict[str, dict[str, Any]] = {
    "small": {
        "vocab_size": 26_000, "hidden_size": 512, "intermediate_size": 1536,
        "num_hidden_layers": 12, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 64,
    },
    "0.6b": {
        "vocab_size": 151_669, "hidden_size": 1024, "intermediate_size": 3072,
        "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
        "head_dim": 128,
    },
}  # fmt: skip
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]


def main() -> None:
    """Build the model, export it, time every way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--provider", choices=["auto", "cpu", "cuda"], default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_checkpoint(folder / "checkpoint", SHAPES[options.shape])
        for dtype in ("fp32", "int8"):
            export_qwen3(
                Checkpoint(folder / "checkpoint"), folder / dtype, source="random", dtype=dtype
            )
        ours = OnnxReranker(folder / "fp32", provider=options.provider)
        int8 = OnnxReranker(folder / "int8", provider="cpu")
        print(f"shape {options.shape}, {options.candidates} candidates, on {ours.provider}")
        ways: dict[str, Way] = {"es-hybrid fp32": ours.score, "es-hybrid int8": int8.score}
        encoder = PromptEncoder(folder / "fp32" / "tokenizer.json")
        ways |= baselines(folder / "checkpoint", encoder)
        for kind, documents in texts(encoder, options.candidates).items():
            compare(kind, documents, ways, options.rounds)


def compare(kind: str, documents: Sequence[str], ways: dict[str, Way], rounds: int) -> None:
    """Time the ways in turn and print a line for each, then the ratio."""
    best = dict.fromkeys(ways, float("inf"))
    scores: dict[str, Scores] = {}
    for turn in range(rounds):
        # A query of its own each round: ours would otherwise find its head in the cache.
        query = f"waterproof action camera {turn}"
        for name, score in ways.items():
            started = time.perf_counter()
            scores[name] = score(query, documents)
            best[name] = min(best[name], time.perf_counter() - started)
    reference = scores["transformers, one at a time"]
    for name, seconds in best.items():
        delta = np.abs(scores[name] - reference).max()
        tau = kendall_tau(scores[name], reference)
        print(
            f"{kind:<12} {name:<34} {len(documents) / seconds:8.2f} pairs/s   "
            f"max |Δ| {delta:.1e}   tau {tau:.3f}",
            flush=True,
        )
    rival = min((name for name in ways if "es-hybrid" not in name), key=best.__getitem__)
    for name in ("es-hybrid fp32", "es-hybrid int8"):
        label = re.sub(r"\W+", "_", f"rerank_{kind}_{name}_vs_{rival}")
        print(f"RATIO {label} {best[rival] / best[name]:.2f}", flush=True)


def baselines(checkpoint: Path, encoder: PromptEncoder) -> dict[str, Way]:
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

    ways = {
        "transformers, one at a time": way(1, by_length=False),
        "transformers, batches of 8": way(8, by_length=False),
        "transformers, one logit, sorted": way(8, by_length=True, logits_to_keep=1),
    }
    if importlib.util.find_spec("sentence_transformers") is None:
        print("sentence-transformers is not installed: left out")
    else:
        ways["sentence-transformers"] = cross_encoder(checkpoint, encoder)
    return ways


def cross_encoder(checkpoint: Path, encoder: PromptEncoder) -> Way:
    """CrossEncoder on the same weights, their head turned into that of a classifier."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    sentence_transformers: Any = importlib.import_module("sentence_transformers")
    folder = checkpoint.with_name("classifier")
    causal = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint)
    classifier = transformers.Qwen3ForSequenceClassification.from_pretrained(
        checkpoint, num_labels=1
    )
    words = causal.lm_head.weight
    with torch.no_grad():
        difference = words[encoder.token_id("yes")] - words[encoder.token_id("no")]
        classifier.score.weight.copy_(difference[None])
    classifier.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_bytes((checkpoint / file).read_bytes())
    model = sentence_transformers.CrossEncoder(str(folder), device="cpu")

    def score(query: str, documents: Sequence[str]) -> Scores:
        start, end = (encoder.template.head, encoder.template.tail)
        left = start.format(instruction=DEFAULT_INSTRUCTION, query=query)
        scores: Scores = model.predict([(left, f" {text}{end}") for text in documents])
        return scores

    return score


def texts(encoder: PromptEncoder, count: int) -> dict[str, list[str]]:
    """Documents by their length in tokens."""
    chance = random.Random(4)
    pool = (LONG + " ".join(text for some in SAMPLES.values() for text in some)).split()
    tail = len(encoder.documents([""], 0)[0])

    def text(tokens: int) -> str:
        words: list[str] = []
        while len(encoder.documents([" ".join(words)], 0)[0]) - tail < tokens:
            words += chance.choices(pool, k=4)
        return " ".join(words)

    return {
        "60 tokens": [text(60) for _ in range(count)],
        "200 tokens": [text(200) for _ in range(count)],
        "20-380": [text(chance.randint(20, 380)) for _ in range(count)],
    }


def make_checkpoint(folder: Path, shape: dict[str, Any]) -> None:
    """A Qwen3 of that shape with seeded random weights, and a tokenizer of the same kind."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    folder.mkdir()
    make_tokenizer(folder)
    torch.manual_seed(4)
    config = transformers.Qwen3Config(
        **shape, tie_word_embeddings=True, rope_theta=1e6, initializer_range=0.04, pad_token_id=0
    )
    transformers.Qwen3ForCausalLM(config).save_pretrained(folder)


def make_tokenizer(folder: Path) -> None:
    """Byte-level BPE with the control tokens the prompt needs."""
    tokenizers: Any = importlib.import_module("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    corpus = [LONG, "yes,no,yes,no," * 50, *(text for some in SAMPLES.values() for text in some)]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1000,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus * 3, trainer)
    tokenizer.add_special_tokens(CONTROL)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "Qwen2TokenizerFast", "pad_token": CONTROL[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


if __name__ == "__main__":
    main()
