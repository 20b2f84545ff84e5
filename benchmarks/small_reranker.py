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
from importlib.resources import as_file, files
from pathlib import Path

from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.rerank import BUNDLED
from es_hybrid.rerank.onnx import OnnxReranker
from es_hybrid.search import HybridSearch
from es_hybrid.settings import RerankSettings
from training.catalogue import SHARED, read_catalogue
from training.gate import WINDOW, Figures, compare, judged_sets
from training.lists import CHORUS, loaded_index

_REPEATS = 20


def gains(products: Path, queries: Sequence[Query], qrels: Qrels) -> list[Figures]:
    """The search over one catalogue without and with the reranker."""
    with loaded_index(products) as settings:
        reranked = settings.model_copy(update={"rerank": RerankSettings()})
        with HybridSearch.open(settings) as search:
            before = run_queries(search, queries, mode="hybrid")
        with HybridSearch.open(reranked) as search:
            after = run_queries(search, queries, mode="hybrid")
    return compare(queries, qrels, before, after)


def milliseconds(texts: Sequence[str]) -> list[float]:
    """For the scoring of one search's documents, again and again."""
    reranker = OnnxReranker(BUNDLED)
    reranker.warm_up()
    spent = []
    for at in range(_REPEATS):
        documents = texts[at * WINDOW : (at + 1) * WINDOW]
        started = time.perf_counter()
        reranker.score("wireless mouse", documents)
        spent.append((time.perf_counter() - started) * 1000)
    return spent


def report(catalogue: str, figures: Sequence[Figures]) -> None:
    """A table, then a RATIO line a language."""
    print(f"\n{catalogue}\nlang    n  hybrid reranked   gain  95 % interval")
    for one in figures:
        print(one)
    for one in figures:
        print(f"RATIO small_reranker_{catalogue}_{one.language} {one.after / one.before:.3f}")


def main() -> None:
    """Both catalogues, then the time."""
    if not SHARED.exists():
        sys.exit(f"{SHARED} is not there: this benchmark needs its judgements")
    report("chorus", gains(CHORUS, *judged_sets()))
    with as_file(files("es_hybrid.data")) as folder:
        qrels = read_qrels(folder / "qrels.txt")
        queries = answerable(read_queries(folder / "queries.tsv"), qrels)
        report("sample", gains(folder / "products.jsonl", queries, qrels))
    spent = milliseconds([item.text for item in read_catalogue([])])
    slow = statistics.quantiles(spent, n=20)[-1]
    print(f"\n{WINDOW} documents: {statistics.median(spent):.0f} ms, p95 {slow:.0f} ms")


if __name__ == "__main__":
    main()
