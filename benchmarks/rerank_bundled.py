"""Speed of the bundled reranker on the CPU compared with sentence-transformers.

    python -m benchmarks.rerank_bundled [--candidates 50] [--rounds 20]

One query and 50 products of the sample catalogue, in turn. The rival is sentence-transformers'
CrossEncoder with a BERT of the same shape and the same tokenizer in fp32, as torch trains it; its
weights are random, on which the time does not depend. Both read at most 128 tokens of a pair.
"""

from __future__ import annotations

import importlib
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from es_hybrid.reranking import BUNDLED
from es_hybrid.reranking.onnx import OnnxReranker
from training.data import SAMPLE

OURS, RIVAL = "es-hybrid, int8", "sentence-transformers, fp32"
# Of the bundled model.
SHAPE = {
    "hidden_size": 384,
    "num_hidden_layers": 8,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}
Method = Callable[[str, Sequence[str]], object]


def cross_encoder(folder: Path, max_length: int) -> Method:
    """sentence-transformers with a model in the bundled one's shape."""
    transformers: Any = importlib.import_module("transformers")
    sentence_transformers: Any = importlib.import_module("sentence_transformers")
    shutil.copy(BUNDLED / "tokenizer.json", folder)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), pad_token="<pad>"
    )
    tokenizer.save_pretrained(folder)
    config = transformers.BertConfig(vocab_size=len(tokenizer), num_labels=1, **SHAPE)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    model = sentence_transformers.CrossEncoder(str(folder), device="cpu", max_length=max_length)

    def score(query: str, documents: Sequence[str]) -> object:
        pairs = [(query, document) for document in documents]
        return model.predict(pairs, show_progress_bar=False)

    return score


def measure(methods: dict[str, Method], options: Options) -> dict[str, list[float]]:
    """Milliseconds of each query by each method, in turn, without the first round."""
    lines = (SAMPLE / "products.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if row["lang"] == "en"]
    documents = [f"{row['title']} {row['description']}" for row in rows][: options.candidates]
    times: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(options.rounds + 1):
        for name, score in methods.items():
            started = time.perf_counter()
            score(f"waterproof camera {number}", documents)
            if number:
                times[name].append((time.perf_counter() - started) * 1000)
    return times


def main() -> None:
    """Time both, print the table and the ratio."""
    options = parse_arguments(__doc__, candidates=(50, 4), rounds=(20, 1), threads=(2, 2))
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(options.threads)
    reranker = OnnxReranker(BUNDLED, provider="cpu", threads=options.threads)
    with tempfile.TemporaryDirectory() as folder:
        rival = cross_encoder(Path(folder), reranker.manifest.max_length)
        times = measure({OURS: reranker.score, RIVAL: rival}, options)
    print(f"{f'{options.candidates} products, ms':<30}{PERCENTILE_TITLES}")
    for name, spent in times.items():
        print(f"{name:<30}{percentiles(spent)}")
    ours, theirs = (statistics.median(times[name]) for name in (OURS, RIVAL))
    options.print_ratio(
        "rerank_bundled_vs_sentence_transformers",
        theirs / ours,
        ours=f"{ours:.0f} ms",
        rival=f"sentence-transformers, the same shape in fp32: {theirs:.0f} ms",
    )


if __name__ == "__main__":
    main()
