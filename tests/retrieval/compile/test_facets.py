"""Facets as aggregations, and as counts."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.retrieval.compile.facets import facet_aggregations, facet_counts
from es_hybrid.understanding.value_classes import ValueClass, ValueClasses

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


def test_bounds_make_ranges_that_keep_their_order() -> None:
    aggregations = facet_aggregations(["price: 50, 99.5,1000", "brand"], {"brand": "Nike"})
    counted = aggregations["price"]["aggs"]["values"]["range"]
    assert counted == {
        "field": "price",
        "ranges": [
            {"key": "*-50", "to": 50.0},
            {"key": "50-99.5", "from": 50.0, "to": 99.5},
            {"key": "99.5-1000", "from": 99.5, "to": 1000.0},
            {"key": "1000-*", "from": 1000.0},
        ],
    }
    buckets = [{"key": "*-50", "doc_count": 0}, {"key": "50-*", "doc_count": 7}]
    answer = {"price": {"doc_count": 7, "values": {"buckets": buckets}}}
    assert list(facet_counts(["price:50"], answer)["price"].items()) == [("*-50", 0), ("50-*", 7)]


@pytest.mark.parametrize(
    "facets", [["price:"], ["price"], ["price:0"], ["price:-5,0,5"], ["a.b:1e3,2e3"]]
)
def test_bounds_that_can_be_read(facets: list[str]) -> None:
    assert len(facet_aggregations(facets, {})) == 1


@pytest.mark.parametrize(
    ("facets", "problem"),
    [
        (["price:cheap"], "cannot read the bounds 'cheap' of price"),
        (["price:5,5"], "cannot read the bounds"),
        (["price:9,5"], "cannot read the bounds"),
        (["price:1,"], "cannot read the bounds"),
        (["price:nan"], "cannot read the bounds"),
        (["price:1,inf"], "cannot read the bounds"),
        (["price", "brand", "price:5"], "price is named twice"),
    ],
)
def test_bounds_that_cannot_be_read_are_refused(facets: list[str], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        facet_aggregations(facets, {})


NIKE = ValueClass(
    id="brand=Nike", field="brand", labels={"en": "Nike", "zh": "耐克"}, values=("Nike", "耐克")
)


def test_a_class_is_counted_by_itself() -> None:
    classes = ValueClasses([NIKE])
    aggregations = facet_aggregations(["brand", "lang"], {"lang": "en"}, classes=classes)
    counted = aggregations["brand/classes"]["aggs"]["values"]
    assert counted == {"filters": {"filters": [{"terms": {"brand": ["Nike", "耐克"]}}]}}
    assert aggregations["brand/classes"]["filter"] == aggregations["brand"]["filter"]
    assert list(aggregations) == ["brand", "brand/classes", "lang"]
    assert facet_aggregations(["lang"], {}, classes=classes) == facet_aggregations(["lang"], {})


def test_a_class_is_one_value_in_the_shoppers_language() -> None:
    classes = ValueClasses([NIKE])
    values = [("Nike", 5), ("Puma", 5), ("耐克", 4), ("7", 1)]
    answer = {
        "brand": {"buckets": [{"key": key, "doc_count": count} for key, count in values]},
        "brand/classes": {"buckets": [{"doc_count": 6}]},  # three products have both
    }
    for languages, label in ((["zh"], "耐克"), (["ko", "en"], "Nike"), ([], "Nike")):
        counts = facet_counts(["brand"], answer, classes, languages)
        assert list(counts["brand"].items()) == [(label, 6), ("Puma", 5), ("7", 1)]
    # No product has two values: the sum does.
    single = ValueClasses([NIKE], frozenset(["brand"]))
    assert list(facet_aggregations(["brand"], {}, classes=single)) == ["brand"]
    assert facet_counts(["brand"], answer, single, ["zh"])["brand"]["耐克"] == 9
    nothing = {"brand": {"buckets": []}, "brand/classes": {"buckets": [{"doc_count": 0}]}}
    assert facet_counts(["brand"], nothing, classes, ["en"]) == {"brand": {}}


def test_a_group_with_two_values_of_a_class_counts_once() -> None:
    counted = facet_aggregations(["brand"], {}, "group_id", ValueClasses([NIKE]))
    assert counted["brand"]["aggs"] == counted["brand/classes"]["aggs"]
    assert counted["brand"]["aggs"]["/groups"]["terms"]["field"] == "group_id"

    def bucket(key: str, groups: str, alone: int) -> dict[str, Any]:
        return {
            "key": key,
            "doc_count": 99,
            "/groups": {"buckets": [{"key": each, "doc_count": 2} for each in groups]},
            "none": {"doc_count": alone},
        }

    values = [bucket("Nike", "abc", 1), bucket("耐克", "bcd", 2), bucket("Puma", "ab", 1)]
    answer = {
        "brand": {"buckets": values},
        "brand/classes": {"buckets": [bucket("", "abcd", 2)]},  # one product has both
    }
    for single, count in ((frozenset(["brand"]), 7), (frozenset[str](), 6)):
        found = facet_counts(["brand"], answer, ValueClasses([NIKE], single), ["zh"])
        assert found == {"brand": {"耐克": count, "Puma": 3}}
