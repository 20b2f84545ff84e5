"""Signals on real products, against a model that computes them from the products' own values."""

from __future__ import annotations

import itertools
import json
import math
import random
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.response import Hit, SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from tests import brute_force
from tests.brute_force import Case, Shelf
from tests.fakes.models import FakeReranker
from tests.retrieval.signal_model import Facts, facts, moved, random_signals, reranked

CHORUS = Path(__file__).parents[3] / "shared/data/chorus-icecat/products.jsonl"
INDEX = "test-signals-on-chorus"
SETTINGS = 300
PRODUCTS = 500
# Every so many-th product has a twin that differs in what the shop knows of it only.
TWINS = 5
# Combination, bound; weight and window of the reranker.
WAYS = [
    ("sum", 0.05, 0.3, 20), ("sum", 0.3, 0.8, 50), ("sum", 1.5, 1.0, 20),
    ("product", 0.05, 1.0, 50), ("product", 0.3, 0.3, 50), ("product", 1.5, 0.8, 20),
]  # fmt: skip
FIELDS = {
    "stock": {"type": "integer"},
    "in_stock": {"type": "boolean"},
    "margin": {"type": "double"},
    "released": {"type": "date"},
    "warehouse": {"type": "geo_point"},
}

pytestmark = pytest.mark.skipif(not CHORUS.exists(), reason=f"{CHORUS} is not there")


@dataclass
class Shop:
    """An index of products with stock, margin, age and place."""

    es: Elasticsearch
    embedder: LocalEmbedder
    settings: Settings
    shelf: Shelf
    known: Mapping[str, Facts]

    def opened(
        self, search: Mapping[str, Any], rerank: Mapping[str, Any] | None = None
    ) -> HybridSearch:
        settings = self.settings.with_(search=search, rerank=rerank or {})
        reranker = FakeReranker(_relevance)
        return HybridSearch(
            self.es, index=INDEX, embedder=self.embedder, reranker=reranker, settings=settings
        )


def _relevance(text: str) -> float:
    """A reranker's score of a text that begins with the title: one of four."""
    return zlib.crc32(text[:3].encode()) % 4 / 4


@pytest.fixture(scope="module")
def shop(
    node: EmbeddedNode,
    es: Elasticsearch,
    embedder: LocalEmbedder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    path = tmp_path_factory.mktemp("products") / "products.jsonl"
    with CHORUS.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, PRODUCTS)]
    rows += [{**row, "id": f"{row['id']}-twin"} for row in rows[::TWINS]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = brute_force.settings_for(node.url, INDEX)
    shelf = brute_force.load(settings, path, None)
    es.indices.put_mapping(index=INDEX, properties=FIELDS)
    rng = random.Random(19)
    known = {row["id"]: facts(rng, row.get("price")) for row in rows}
    bulk(
        es,
        (
            {"_op_type": "update", "_index": INDEX, "_id": id_, "doc": made}
            for id_, made in known.items()
        ),
        refresh=True,
    )
    # A merge between two searches would change the frequencies of words.
    es.indices.forcemerge(index=INDEX, max_num_segments=1)
    yield Shop(es, embedder, settings, shelf, known)
    for index in es.indices.get(index=INDEX):
        es.indices.delete(index=index)


def test_searches_with_signals_are_those_of_the_model(shop: Shop) -> None:
    rng = random.Random(7)
    seen: Counter[str] = Counter()
    shops = {
        way: shop.opened(
            {"signal_combine": way[0], "signal_bound": way[1]},
            {"weight": way[2], "window": way[3]},
        )
        for way in WAYS
    }
    for case in itertools.islice(brute_force.cases(shop.shelf, rng), SETTINGS):
        way = rng.choice(WAYS)
        opened = shops[way]
        combine, bound, weight, window = way
        signals = random_signals(rng)
        options: dict[str, Any] = {
            "mode": rng.choice(["hybrid", "hybrid", "bm25", "knn"]),
            "filters": case.filters,
            "facets": case.facets,
            "conditions": False,
            "floor": False,
        }
        if rng.random() < 0.15:
            options["cutoff"] = 0.4
        else:
            options["selected"] = case.ticks
        page, size = rng.choice([(1, 10), (1, 100), (2, 30), (6, 20), (5, 24)])
        reranks, explains = rng.random() < 0.4, size == 10
        depth = max(100, page * size)
        plain, stages = opened.search_in_stages(
            case.text, size=depth, signals=[], rerank=False, **options
        )
        legs = {leg: [*stages.get(leg, {}).values()] for leg in ("bm25", "knn")}
        least = {leg: at[-1].score if len(at) >= depth else -1.0 for leg, at in legs.items()}
        found = opened.search(
            case.text,
            page=page,
            size=size,
            signals=signals,
            rerank=reranks,
            explain=explains,
            **options,
        )
        told = f"{case} {options} {signals} {combine} {bound} {weight} {page} {size} {reranks}"
        expected = moved(plain.hits, signals, shop.known, combine=combine, bound=bound, least=least)
        rest = [(hit.id, hit.score) for hit in plain.hits[100:]]
        ranked = [(each.id, each.score) for each in expected] + rest
        parts = {each.id: each.parts for each in expected}
        mixed: dict[str, list[float]] = {}
        if reranks and expected:
            sources = {hit.id: hit.source for hit in plain.hits}
            scores = {id_: _relevance(source["title"]) for id_, source in sources.items()}
            top = reranked(expected[:window], scores, weight=weight)
            ranked[: len(top)] = [(id_, score) for id_, score, _ in top]
            mixed = {id_: shares for id_, _, shares in top}
        shown = ranked[(page - 1) * size : page * size]
        assert [hit.id for hit in found.hits] == [id_ for id_, _ in shown], told
        for hit, (_, score) in zip(found.hits, shown, strict=True):
            # Scaling a few close scores to [0, 1] widens what float32 rounds.
            assert hit.score == pytest.approx(score, abs=2e-5 if mixed else 2e-6), told
            if explains:
                _check_explanation(hit, combine, bound, mixed.get(hit.id), parts[hit.id])
        assert (found.total, found.facets, found.pages) == (
            plain.total, plain.facets, -(-plain.total // size)
        ), told  # fmt: skip
        if page * size <= brute_force.WINDOW:
            seen["counted"] += _check_counts(shop, case, options, found)
        seen["moved"] += [hit.id for hit in plain.hits[:size]] != [hit.id for hit in found.hits]
        seen["reranked"] += bool(found.reranked)
        seen["hits"] += len(found.hits)
    assert seen["hits"] > 8 * SETTINGS
    assert seen["moved"] > SETTINGS / 2
    assert seen["reranked"] > SETTINGS / 10
    assert seen["counted"] > SETTINGS / 8


def _check_counts(shop: Shop, case: Case, options: Facts, found: SearchResponse) -> bool:
    """Total and facets by brute force, where no rounding decides about a neighbour."""
    if options["mode"] != "hybrid" or "cutoff" in options:
        return False
    rows = shop.shelf.found(case, shop.embedder.embed_query(case.text), [])
    if rows is None:
        return False
    kept = {i for i in rows if brute_force.ticked(shop.shelf.rows[i], case.selected)}
    assert (found.total, found.facets) == (len(kept), shop.shelf.counts(rows, case))
    return True


def _check_explanation(
    hit: Hit, combine: str, bound: float, mixed: list[float] | None, parts: list[float]
) -> None:
    explanation = hit.explanation
    assert explanation is not None
    assert explanation["value"] == pytest.approx(hit.score, abs=1e-6)
    if mixed is not None:
        stage, reranker = explanation["details"]
        assert [stage["value"], reranker["value"]] == pytest.approx(mixed, abs=2e-5)
        assert stage["value"] + reranker["value"] == pytest.approx(hit.score, abs=1e-6)
        (explanation,) = stage["details"]
    stage = hit.stages["signals"]
    assert explanation["value"] == pytest.approx(stage.score, abs=1e-6)
    shares = [each["value"] for each in explanation["details"]]
    whole = sum(shares) if combine == "sum" else math.prod(shares)
    assert whole == pytest.approx(stage.score, abs=1e-6)
    assert shares[: len(parts)] == pytest.approx(parts, rel=1e-6, abs=1e-6)
    # The bound is named where it applies.
    free = sum(parts[1:]) if combine == "sum" else math.prod(parts[1:])
    least, most = (-bound, bound) if combine == "sum" else (1 / (1 + bound), 1 + bound)
    assert (len(shares) > len(parts)) == (not least <= free <= most)
    assert explanation["details"][0]["details"], "the first stage is explained below its share"


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
@pytest.mark.parametrize("weight", [None, 0.8, 1.0])
def test_a_product_that_is_sold_out_is_never_above_its_equal_in_stock(
    shop: Shop, mode: str, weight: float | None
) -> None:
    opened = shop.opened({}, {"weight": weight} if weight else None)
    signal = {"name": "in stock", "filter": {"in_stock": True}, "weight": 0.01}
    pairs = swapped = 0
    for text in shop.shelf.words[:25]:
        asked: dict[str, Any] = {"mode": mode, "size": 100, "rerank": weight is not None}
        asked |= {"floor": False, "conditions": False}
        ranks = {hit.id: hit.rank for hit in opened.search(text, signals=[signal], **asked).hits}
        plain = {hit.id: hit.rank for hit in opened.search(text, signals=[], **asked).hits}
        for twin in ranks:
            one = twin.removesuffix("-twin")
            if one == twin or one not in ranks:
                continue
            first, second = sorted((one, twin), key=lambda id_: not shop.known[id_]["in_stock"])
            if shop.known[first]["in_stock"] and not shop.known[second]["in_stock"]:
                pairs += 1
                swapped += plain[first] > plain[second]
                assert ranks[first] < ranks[second], (text, first, second)
    assert pairs > 50
    assert swapped > 10
