"""What is proposed for judging, on live searches."""

from __future__ import annotations

from importlib.resources import as_file, files

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query, read_qrels, read_queries
from es_hybrid.evaluation.judging.sampling import priority, sample, shown_fields
from es_hybrid.records import Product
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings


def test_the_top_and_the_disputed_come_first() -> None:
    both = {"bm25": 1, "knn": 1}
    assert priority(both, shown=1, depth=10) > priority(both, shown=2, depth=10)
    assert priority({"bm25": 1, "knn": 9}, shown=5, depth=10) > priority(both, shown=5, depth=10)
    # A leg that does not return the product disagrees with one that has it first.
    assert priority({"knn": 1}, shown=5, depth=10) > priority(
        {"bm25": 9, "knn": 1}, shown=5, depth=10
    )
    assert priority({"bm25": 11, "knn": 40}, shown=12, depth=10) == 0


def test_live_searches_propose_the_same_unjudged_hits_each_time(
    catalogue: str, catalogue_settings: Settings
) -> None:
    data = files("es_hybrid.data")
    with as_file(data.joinpath("queries.tsv")) as path:
        queries = read_queries(path)[:6]
    with as_file(data.joinpath("qrels.txt")) as path:
        qrels = read_qrels(path)
    with HybridSearch.open(catalogue_settings) as shop:
        found = sample(shop, queries, qrels, size=5)
        again = sample(shop, queries, qrels, size=5)
        everything = sample(shop, queries, {}, size=10_000)
        shallow = sample(shop, queries, {}, size=10_000, depth=1)
        (first, *_) = sample(shop, queries[:1], {}, size=1)
        best = shop.search(queries[0].text).hits[0]
    assert found == again
    assert len(found) == 5
    assert not any(each.id in qrels.get(each.query_id, {}) for each in found)
    assert [each.priority for each in found] == sorted(
        (each.priority for each in found), reverse=True
    )
    assert len({each.pair for each in everything}) == len(everything) > len(shallow)
    assert all(1 in each.stages.values() for each in shallow)
    assert max(min(each.stages.values()) for each in everything) == 10
    assert first.id == best.id
    assert first.fields["title"] == best.source["title"]


def test_a_degraded_search_proposes_nothing(catalogue: str, catalogue_settings: Settings) -> None:
    gone = catalogue_settings.with_(
        embedding={"base_url": "http://127.0.0.1:9/v1", "dims": 512, "max_retries": 0}
    )
    with (
        HybridSearch.open(gone) as shop,
        pytest.raises(EvaluationError, match="query q: the search was degraded"),
    ):
        sample(shop, [Query("q", "kettle")], {}, size=5)


def test_a_judge_sees_no_empty_fields() -> None:
    product = Product(
        id="1",
        title="Kettle",
        category=("Kitchen", "Kettles"),
        price=19.5,
        currency="EUR",
        attributes={"colour": ("red", "blue"), "litres": "1.7"},
        description="x" * 1000,
    )
    assert shown_fields(product) == {
        "title": "Kettle",
        "category": "Kitchen > Kettles",
        "price": "19.50 EUR",
        "attributes": {"colour": "red, blue", "litres": "1.7"},
        "description": "x" * 600,
    }
