"""A shop's search with limits and diversity, against independent models of both."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import InvalidRequest
from es_hybrid.index.document import read_vector
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.retrieval.execution.spread import DIVERSIFIED
from es_hybrid.retrieval.response import Hit
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from tests.retrieval.execution.test_spread import expected_order, expected_pages

WINDOW = 100
WORDS = ["shirt", "phone case", "dress", "usb cable", "shoes", "bag", "lamp", "running", "watch"]


@pytest.fixture(scope="module")
def vectors(es: Elasticsearch, catalogue: str) -> dict[str, Any]:
    query = {"_source": {"includes": ["embedding"], "exclude_vectors": False}}
    hits = scan(es, index=catalogue, query=query)
    return {hit["_id"]: read_vector(hit["_source"]["embedding"]) for hit in hits}


def _values(hit: Hit, fields: Sequence[str]) -> set[tuple[str, str]]:
    """The values of a product in these fields."""
    found: set[tuple[str, str]] = set()
    for field in fields:
        value = hit.source.get(field, [])
        found |= {(field, each) for each in (value if isinstance(value, list) else [value])}
    return found


def expected(
    plain: Sequence[Hit],
    limits: Mapping[str, int],
    diversity: float,
    size: int,
    vectors: Mapping[str, Any],
    fixed: int = 0,
) -> list[str]:
    """Ids of the whole window, spread."""
    best, rest = list(plain[:DIVERSIFIED]), list(plain[DIVERSIFIED:])
    if diversity:
        scores = [hit.score for hit in best]
        numbered = {n: vectors[hit.id] for n, hit in enumerate(best)}
        order = expected_order(scores, numbered, diversity, fixed)
        best = [best[n] for n in order]
    hits = {hit.id: hit for hit in best + rest}
    values = {id_: _values(hit, list(limits)) for id_, hit in hits.items()}
    return expected_pages(list(hits), values, limits, size, fixed) if limits else list(hits)


def test_random_pages_agree_with_the_models(shop: HybridSearch, vectors: dict[str, Any]) -> None:
    rng = random.Random(6)
    moved = 0
    for case in range(40):
        text = " ".join(rng.sample(WORDS, rng.randint(1, 2)))
        limits = {
            field: rng.randint(1, 3)
            for field in rng.sample(["brand", "category", "lang"], rng.randint(0, 2))
        }
        diversity = rng.choice([0.0, 0.2, 0.5])
        size = rng.choice([5, 10, 24])
        filters = rng.choice([{}, {"lang": ["en", "fr", "es"]}])
        plain = shop.search(text, size=WINDOW, filters=filters, floor=False)
        ids = expected(plain.hits, limits, diversity, size, vectors)
        shown = []
        for page in range(1, WINDOW // size + 1):
            found = shop.search(
                text,
                size=size,
                page=page,
                filters=filters,
                floor=False,
                limit_per=limits,
                diversity=diversity,
            )
            assert found.total == plain.total
            shown += [hit.id for hit in found.hits]
        assert shown == ids[: len(shown)], (case, text, limits, diversity, size)
        assert len(shown) == min(WINDOW // size * size, len(ids))
        moved += shown != [hit.id for hit in plain.hits][: len(shown)]
    assert moved > 20


def test_scores_are_those_of_the_stage_below(shop: HybridSearch) -> None:
    scores = {hit.id: hit.score for hit in shop.search("shirt", size=WINDOW).hits}
    spread = shop.search("shirt", limit_per={"lang": 1}, diversity=0.4)
    assert [scores[hit.id] for hit in spread.hits] == [hit.score for hit in spread.hits]
    assert [hit.stages["spread"].rank for hit in spread.hits] == list(range(1, 11))
    assert [hit.stages["rrf"].rank for hit in spread.hits] != list(range(1, 11))


def test_limits_need_no_further_request_and_diversity_one(
    shop: HybridSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    send = shop._driver._send

    def counted(call: Any, *rest: Any) -> Any:
        if not call.path.startswith(f"/{RULES_INDEX}/"):
            sent.append(call.path.rpartition("/")[2])
        return send(call, *rest)

    monkeypatch.setattr(shop._driver, "_send", counted)
    shop.search("shirt")
    plain = list(sent)
    sent.clear()
    shop.search("shirt", limit_per={"brand": 1})
    assert sent == plain
    sent.clear()
    shop.search("shirt", diversity=0.3)
    assert Counter(sent) == Counter([*plain, "_search"])


def test_pinned_products_stay_and_count(shop: HybridSearch) -> None:
    first = shop.search("shirt", size=WINDOW)
    pins = [hit.id for hit in first.hits if hit.product.lang == "en"][5:8]
    pinned = shop.search("shirt", size=WINDOW, pinned=pins)
    ids = expected(pinned.hits, {"lang": 3}, 0.0, 10, {}, fixed=3)
    found = shop.search("shirt", pinned=pins, limit_per={"lang": 3}, diversity=0.0)
    assert [hit.id for hit in found.hits] == ids[:10]
    assert [hit.id for hit in found.hits[:3]] == pins
    assert Counter(hit.product.lang for hit in found.hits)["en"] == 3
    diverse = shop.search("shirt", pinned=pins, diversity=0.5)
    assert [hit.id for hit in diverse.hits[:3]] == pins


def test_matches_of_an_exact_identifier_stay_first(shop: HybridSearch) -> None:
    product = shop.search("shirt", size=1).hits[0].product
    plain = shop.search(product.sku, size=3)
    found = shop.search(product.sku, limit_per={"lang": 1}, diversity=0.9)
    same = [hit.id for hit in plain.hits if hit.product.sku == product.sku]
    assert [hit.id for hit in found.hits[: len(same)]] == same


def test_a_grouped_and_a_cut_search_are_spread_too(
    shop: HybridSearch, vectors: dict[str, Any]
) -> None:
    plain = shop.search("shirt", size=WINDOW, cutoff=0.3)
    ids = expected(plain.hits, {"lang": 2}, 0.3, 10, vectors)
    found = shop.search("shirt", cutoff=0.3, limit_per={"lang": 2}, diversity=0.3, page=2)
    assert [hit.id for hit in found.hits] == ids[10:20]
    assert found.total == plain.total


def test_a_sorted_search_keeps_its_order_and_says_so(shop: HybridSearch) -> None:
    plain = shop.search("shirt", sort=["price"])
    found = shop.search("shirt", sort=["price"], limit_per={"brand": 1}, diversity=0.5)
    assert [hit.id for hit in found.hits] == [hit.id for hit in plain.hits]
    assert found.notes == ("limit_per and diversity: a sorted search keeps its order",)


def test_the_settings_are_the_defaults_of_a_request(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, settings: Settings
) -> None:
    limited = settings.with_(search={"limit_per": {"lang": 1}})
    shop = HybridSearch(es, index=catalogue, embedder=embedder, settings=limited)
    asked = shop.search("shirt")
    assert Counter(hit.product.lang for hit in asked.hits[:5]).most_common(1)[0][1] == 1
    assert "spread" not in shop.search("shirt", limit_per={}).hits[0].stages


@pytest.mark.parametrize("option", [{"diversity": 1.1}, {"limit_per": {"brand": 0}}])
def test_what_is_out_of_range_is_refused(shop: HybridSearch, option: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        shop.search("shirt", **option)


def test_the_explanation_names_both_ranks(shop: HybridSearch) -> None:
    found = shop.search("shirt", limit_per={"lang": 1}, explain=True)
    for hit in found.hits:
        assert hit.explanation is not None
        assert hit.explanation["value"] == hit.score
        before = hit.stages["rrf"].rank
        assert hit.explanation["description"].startswith(
            f"rank [{hit.rank}] in place of [{before}]"
        )
