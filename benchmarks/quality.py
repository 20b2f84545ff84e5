"""Search quality compared with a textbook pipeline on the same products and queries.

    python -m benchmarks.quality

The rival is BM25 (k1 1.2, b 0.75) over title, brand and description as one text, exact cosine over
the same encoder's vectors of that text, and reciprocal rank fusion of the first 100 of each with
k = 60. Ours is `HybridSearch` with its default settings on the embedded node, without a reranker
and with the bundled one. Products, queries and judgements are those of chorus-icecat
(docs/data.md), in English and in the five languages of queries.i18n.tsv. Takes some minutes,
because the encoder runs twice over 19,406 products. A smoke run uses the sample catalogue.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import Options, parse_arguments
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import MEASURES, Run, mean, measure
from es_hybrid.evaluation.runs import DEPTH, run_queries
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from training.data import CHORUS, SAMPLE, cluster, load_products, required
from training.multilingual import vectors_of

SETS = {"en": ("queries.tsv", "qrels.txt"), "5 languages": ("queries.i18n.tsv", "qrels.i18n.txt")}
SAMPLE_SETS = {"sample": ("queries.tsv", "qrels.txt")}
SMOKE_QUERIES = 8
MODES: tuple[Mode, ...] = ("bm25", "knn", "hybrid")
RERANKED = "reranked"


class Textbook:
    """BM25, exact kNN and their fusion over one text per product."""

    def __init__(self, products: Sequence[Mapping[str, Any]], embedder: Embedder) -> None:
        self._ids = [product["id"] for product in products]
        texts = [f"{p['title']} {p['brand']} {p['description']}" for p in products]
        words = [_words(text) for text in texts]
        self._lengths = [len(found) for found in words]
        self._postings: dict[str, dict[int, int]] = defaultdict(dict)
        for row, found in enumerate(words):
            for word, count in Counter(found).items():
                self._postings[word][row] = count
        self._embedder = embedder
        self._vectors = vectors_of(texts, embedder)

    def runs(self, queries: Sequence[Query]) -> dict[str, Run]:
        """The first 100 hits of each query, by mode."""
        bm25 = {query.id: self._bm25(query.text) for query in queries}
        knn = {query.id: self._knn(query.text) for query in queries}
        fused = {id_: _fused(bm25[id_], knn[id_]) for id_ in bm25}
        return {
            mode: {
                id_: {d: 1 / rank for rank, d in enumerate(found[:DEPTH], 1)}
                for id_, found in ranking.items()
            }
            for mode, ranking in zip(MODES, (bm25, knn, fused), strict=True)
        }

    def _bm25(self, text: str, k1: float = 1.2, b: float = 0.75) -> list[str]:
        average = sum(self._lengths) / len(self._lengths)
        scores: Counter[int] = Counter()
        for word in _words(text):
            posting = self._postings.get(word, {})
            rarity = math.log(1 + (len(self._ids) - len(posting) + 0.5) / (len(posting) + 0.5))
            for row, count in posting.items():
                norm = count + k1 * (1 - b + b * self._lengths[row] / average)
                scores[row] += rarity * count * (k1 + 1) / norm  # type: ignore[assignment]
        return [self._ids[row] for row, _ in scores.most_common(DEPTH)]

    def _knn(self, text: str) -> list[str]:
        similarities = self._vectors @ self._embedder.embed_query(text)
        return [self._ids[row] for row in np.argsort(-similarities)[:DEPTH]]


def our_runs(
    settings: Settings, catalogue: Path, sets: Mapping[str, Sequence[Query]]
) -> dict[str, dict[str, Run]]:
    """Load the products and run all queries: set -> mode, or `RERANKED` -> run."""
    load_products(settings, catalogue / "products.jsonl", say=print)
    with HybridSearch.open(settings) as shop:
        return {
            name: {
                **{mode: run_queries(shop, queries, mode=mode, rerank=False) for mode in MODES},
                RERANKED: run_queries(shop, queries, mode="hybrid"),
            }
            for name, queries in sets.items()
        }


def report(
    ours: Mapping[str, Mapping[str, Run]],
    theirs: Mapping[str, Mapping[str, Run]],
    qrels: Mapping[str, Qrels],
    options: Options,
) -> None:
    """Print the table, then ratios of the hybrid search and of reranking for each measure."""
    print(f"\n{'queries':<14}{'mode':<10}{'':<10}" + "".join(f"{name:>21}" for name in MEASURES))
    means = {}
    contenders = (("ours", ours), ("textbook", theirs))
    for name, mode, (who, runs) in itertools.product(ours, (*MODES, RERANKED), contenders):
        if mode in runs[name]:
            values = measure(runs[name][mode], qrels[name])
            figures = means[name, mode, who] = {title: mean(values[title]) for title in MEASURES}
            line = "".join(f"{figure:>21.3f}" for figure in figures.values())
            print(f"{name:<14}{mode:<10}{who:<10}{line}")
    for name, title in itertools.product(ours, MEASURES):
        label = re.sub(r"[^a-zA-Z0-9]+", "_", f"{name}_{title}")
        hybrid = means[name, "hybrid", "ours"][title]
        textbook = means[name, "hybrid", "textbook"][title]
        options.print_ratio(f"quality_{label}", hybrid / textbook)
        options.print_ratio(f"reranked_{label}", means[name, RERANKED, "ours"][title] / hybrid)


def _fused(*rankings: Sequence[str]) -> list[str]:
    """Reciprocal rank fusion with the common constant of 60."""
    scores: defaultdict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, id_ in enumerate(ranking, 1):
            scores[id_] += 1 / (60 + rank)
    return sorted(scores, key=lambda id_: -scores[id_])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def main() -> None:
    """Run both sides on every set of queries."""
    options = parse_arguments(__doc__, elasticsearch=True)
    catalogue, files = (SAMPLE, SAMPLE_SETS) if options.smoke else (required(CHORUS), SETS)
    qrels = {name: read_qrels(catalogue / judged) for name, (_, judged) in files.items()}
    sets = {
        name: answerable(read_queries(catalogue / asked), qrels[name])[
            : SMOKE_QUERIES if options.smoke else None
        ]
        for name, (asked, _) in files.items()
    }
    products = [json.loads(line) for line in (catalogue / "products.jsonl").open(encoding="utf-8")]
    with cluster(options.url) as url:
        settings = load_settings(
            flags={"elasticsearch": {"url": url}, "index": {"name": "bench-quality"}}
        )
        ours = our_runs(settings, catalogue, sets)
        textbook = Textbook(products, open_embedder(settings.embedding))
    theirs = {name: textbook.runs(queries) for name, queries in sets.items()}
    report(ours, theirs, qrels, options)


if __name__ == "__main__":
    main()
