"""What the bundled reranker adds to the search, and what it costs.

    python -m benchmarks.small_reranker

Runs `HybridSearch` with default settings on the embedded node, without a reranker and with the
bundled one, over two catalogues: chorus-icecat (docs/data.md), whose products but none of whose
judged queries the model was trained on, and the sample catalogue, which it was not trained on. The
measure is judged-only nDCG@10, with a 95 % bootstrap interval of the gain. The search does not
rerank languages that the model's manifest does not list; their gain is zero. A smoke run uses a few
queries of the sample catalogue.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from es_hybrid.reranking import BUNDLED
from es_hybrid.reranking.onnx import OnnxReranker
from training.catalogue import read_catalogue
from training.data import CHORUS, SAMPLE, required
from training.gate import Figures, judged_sets, measure_gain, sample_sets
from training.lists import loaded_index

_DOCUMENTS = 50  # reranked by one search
_SMOKE_QUERIES = 8


def report(catalogue: str, figures: Sequence[Figures], options: Options) -> None:
    """Print a table, then a RATIO line for each language."""
    print(f"\n{catalogue}\nlang    n  hybrid reranked   gain  95 % interval")
    for one in figures:
        print(one)
    for one in figures:
        options.print_ratio(f"small_reranker_{catalogue}_{one.language}", one.after / one.before)


def milliseconds(texts: Sequence[str], repeats: int) -> list[float]:
    """Time of scoring the documents of one search; each repeat scores other documents."""
    reranker = OnnxReranker(BUNDLED)
    reranker.warm_up()
    spent = []
    for at in range(repeats):
        documents = texts[at * _DOCUMENTS : (at + 1) * _DOCUMENTS]
        started = time.perf_counter()
        reranker.score("wireless mouse", documents)
        spent.append((time.perf_counter() - started) * 1000)
    return spent


def main() -> None:
    """Measure the gain on the catalogues, then the time."""
    options = parse_arguments(__doc__, elasticsearch=True, repeats=(20, 2))
    if not options.smoke:
        with loaded_index(required(CHORUS), options.url) as settings:
            report("chorus", measure_gain(settings, BUNDLED, *judged_sets()), options)
    queries, qrels = sample_sets()
    if options.smoke:
        queries = [query for query in queries if query.lang == "en"][:_SMOKE_QUERIES]
    with loaded_index(SAMPLE, options.url) as settings:
        report("sample", measure_gain(settings, BUNDLED, queries, qrels), options)
    items = read_catalogue([], SAMPLE if options.smoke else CHORUS)
    spent = milliseconds([item.text for item in items], options.repeats)
    print(f"\n{'ms':<24}{PERCENTILE_TITLES}\n{f'{_DOCUMENTS} documents':<24}{percentiles(spent)}")


if __name__ == "__main__":
    main()
