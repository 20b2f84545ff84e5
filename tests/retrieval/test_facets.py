"""Facets as aggregations, and as counts."""

from __future__ import annotations

from es_hybrid.retrieval.facets import facet_aggregations, facet_counts

TERMS = {"terms": {"field": "brand", "size": 1000}}


def test_without_ticks_a_facet_counts_everything_found() -> None:
    assert facet_aggregations(["brand"], {}) == {"brand": TERMS}


def test_a_facet_is_narrowed_by_the_ticks_of_the_others_and_not_by_its_own() -> None:
    aggregations = facet_aggregations(["brand", "lang"], {"brand": ["Nike", "Puma"]})
    assert aggregations["brand"] == TERMS
    assert aggregations["lang"]["filter"] == {
        "bool": {"filter": [{"terms": {"brand": ["Nike", "Puma"]}}]}
    }
    assert aggregations["lang"]["aggs"]["values"]["terms"]["field"] == "lang"


def test_counts_are_read_from_either_form_most_frequent_first() -> None:
    buckets = [{"key": "b", "doc_count": 1}, {"key": "a", "doc_count": 1}]
    aggregations = {
        "brand": {"buckets": [*buckets, {"key": "c", "doc_count": 5}]},
        "lang": {"doc_count": 2, "values": {"buckets": buckets}},
        "new": {"buckets": [{"key": 1, "key_as_string": "true", "doc_count": 3}]},
        "price": {"buckets": [{"key": 9.5, "doc_count": 3}, {"key": 1.5, "doc_count": 0}]},
    }
    assert {
        field: list(counts.items())
        for field, counts in facet_counts(list(aggregations), aggregations).items()
    } == {
        "brand": [("c", 5), ("a", 1), ("b", 1)],
        "lang": [("a", 1), ("b", 1)],
        "new": [("true", 3)],
        "price": [("9.5", 3)],
    }
