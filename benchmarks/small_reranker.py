"""What the small bundled reranker adds to the search, and what it costs.

    python -m benchmarks.small_reranker

`HybridSearch` with default settings on the embedded node, once without a reranker and once with
the bundled one, over two catalogues: ../shared/data/chorus-icecat, whose products the model was
taught with but none of whose judged queries it saw, and the sample catalogue, which it never saw.
The measure is judged-only nDCG@10, with a 95 % bootstrap interval of the gain. In a language that
the model's manifest does not name the search leaves it out, and there is no gain.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence

from es_hybrid.reranking import BUNDLED
from es_hybrid.reranking.onnx import OnnxReranker
from training.catalogue import SHARED, read_catalogue
from training.gate import SAMPLE, Figures, judged_sets, measure_gain, sample_sets
from training.lists import loaded_index

_DOCUMENTS = 50  # of one search
_REPEATS = 20


def report(catalogue: str, figures: Sequence[Figures]) -> None:
    """A table, then a RATIO line a language."""
    print(f"\n{catalogue}\nlang    n  hybrid reranked   gain  95 % interval")
    for one in figures:
        print(one)
    for one in figures:
        print(f"RATIO small_reranker_{catalogue}_{one.language} {one.after / one.before:.3f}")


def milliseconds(texts: Sequence[str]) -> list[float]:
    """For the scoring of one search's documents, others each time."""
    reranker = OnnxReranker(BUNDLED)
    reranker.warm_up()
    spent = []
    for at in range(_REPEATS):
        documents = texts[at * _DOCUMENTS : (at + 1) * _DOCUMENTS]
        started = time.perf_counter()
        reranker.score("wireless mouse", documents)
        spent.append((time.perf_counter() - started) * 1000)
    return spent


def main() -> None:
    """Both catalogues, then the time."""
    if not SHARED.exists():
        sys.exit(f"{SHARED} is not there: this benchmark needs its judgements")
    with loaded_index() as settings:
        report("chorus", measure_gain(settings, BUNDLED, *judged_sets()))
    with loaded_index(SAMPLE / "products.jsonl") as settings:
        report("sample", measure_gain(settings, BUNDLED, *sample_sets()))
    spent = milliseconds([item.text for item in read_catalogue([])])
    slow = statistics.quantiles(spent, n=20)[-1]
    print(f"\n{_DOCUMENTS} documents: median {statistics.median(spent):.0f} ms, p95 {slow:.0f} ms")


if __name__ == "__main__":
    main()
