"""Filters as typed, as clauses."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import InvalidRequest
from es_hybrid.filters import FilterValue, filter_clauses, parse_filters


@pytest.mark.parametrize(
    ("expressions", "filters"),
    [
        (["brand=Nike"], {"brand": "Nike"}),
        (["brand=Nike", "brand=耐克"], {"brand": ["Nike", "耐克"]}),
        (["price<=50"], {"price": {"lte": 50.0}}),
        (["price>10", "price<50.5"], {"price": {"gt": 10.0, "lt": 50.5}}),
        (["category=Shoes > Running"], {"category": "Shoes > Running"}),
        (["attributes.colour = deep blue"], {"attributes.colour": "deep blue"}),
        (["note=a=b"], {"note": "a=b"}),
        (["brand!=Nike"], {"brand": {"not": ["Nike"]}}),
        (["brand!=Nike", "brand != Puma"], {"brand": {"not": ["Nike", "Puma"]}}),
        (
            ["date>=2024-01-31", "date<2025-01-01"],
            {"date": {"gte": "2024-01-31", "lt": "2025-01-01"}},
        ),
        ([], {}),
    ],
)
def test_expressions(expressions: list[str], filters: dict[str, Any]) -> None:
    assert parse_filters(expressions) == filters


@pytest.mark.parametrize("expression", ["brand", "", "price<=cheap", "=x", "date>soon"])
def test_what_cannot_be_read_is_named(expression: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot read the filter"):
        parse_filters([expression])


def test_a_value_beside_a_bound_of_the_same_field_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="price"):
        parse_filters(["price=5", "price<9"])


def test_clauses() -> None:
    assert filter_clauses({"a": "x", "b": ["y", "z"], "c": {"gte": 1}, "d": True}) == [
        {"term": {"a": "x"}},
        {"terms": {"b": ["y", "z"]}},
        {"range": {"c": {"gte": 1}}},
        {"term": {"d": True}},
    ]


@pytest.mark.parametrize(
    ("value", "clauses"),
    [
        ({"exists": True}, [{"exists": {"field": "f"}}]),
        ({"exists": False}, [{"bool": {"must_not": [{"exists": {"field": "f"}}]}}]),
        ({"not": "x"}, [{"bool": {"must_not": [{"term": {"f": "x"}}]}}]),
        ({"not": ["x", "y"]}, [{"bool": {"must_not": [{"terms": {"f": ["x", "y"]}}]}}]),
        (
            [{"lt": 5}, {"gte": 9, "lt": 10}, 7],
            [
                {
                    "bool": {
                        "should": [
                            {"range": {"f": {"lt": 5}}},
                            {"range": {"f": {"gte": 9, "lt": 10}}},
                            {"term": {"f": 7}},
                        ]
                    }
                }
            ],
        ),
        ({"not": {"gt": 5}}, [{"bool": {"must_not": [{"range": {"f": {"gt": 5}}}]}}]),
        (
            {"not": {"gt": 5, "exists": True}},
            [
                {
                    "bool": {
                        "must_not": [
                            {
                                "bool": {
                                    "filter": [
                                        {"range": {"f": {"gt": 5}}},
                                        {"exists": {"field": "f"}},
                                    ]
                                }
                            }
                        ]
                    }
                }
            ],
        ),
        (
            {"gt": 5, "not": 7},
            [{"range": {"f": {"gt": 5}}}, {"bool": {"must_not": [{"term": {"f": 7}}]}}],
        ),
        (
            {"nested": {"shop": "A", "price": {"lt": 9}}},
            [
                {
                    "nested": {
                        "path": "f",
                        "query": {
                            "bool": {
                                "filter": [
                                    {"term": {"f.shop": "A"}},
                                    {"range": {"f.price": {"lt": 9}}},
                                ]
                            }
                        },
                    }
                }
            ],
        ),
    ],
)
def test_operators(value: FilterValue, clauses: list[dict[str, Any]]) -> None:
    assert filter_clauses({"f": value}) == clauses


def test_each_nested_filter_of_a_list_asks_for_an_object_of_its_own() -> None:
    both = filter_clauses({"offers": {"nested": [{"shop": "A"}, {"shop": "B"}]}})
    assert [clause["nested"]["query"]["bool"]["filter"] for clause in both] == [
        [{"term": {"offers.shop": "A"}}],
        [{"term": {"offers.shop": "B"}}],
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"between": [1, 2]}, "unknown operator 'between'.*gte"),
        ({"exists": "yes"}, "'exists'.*true or false"),
        ({"nested": "red"}, "'nested'.*nested fields"),
        ({"nested": ["red"]}, "'nested'"),
        ({"not": {"like": "x"}}, "unknown operator 'like'"),
        ({}, "empty"),
    ],
)
def test_what_is_no_filter_is_named_with_its_field(value: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"filter f: .*{words}"):
        filter_clauses({"f": value})


def test_nested_and_negated_filters_find_what_they_say(es: Elasticsearch, index_name: str) -> None:
    es.indices.create(
        index=index_name,
        mappings={
            "properties": {
                "brand": {"type": "keyword"},
                "released": {"type": "date"},
                "offers": {
                    "type": "nested",
                    "properties": {"shop": {"type": "keyword"}, "price": {"type": "double"}},
                },
            }
        },
    )
    documents: dict[str, dict[str, Any]] = {
        "cheap-at-a": {
            "brand": "Nike",
            "released": "2024-05-01",
            "offers": [{"shop": "A", "price": 5}, {"shop": "B", "price": 50}],
        },
        "cheap-at-b": {"brand": "Puma", "offers": [{"shop": "A", "price": 50}]},
        "no-offer": {"released": "2023-05-01"},
    }
    for id_, document in documents.items():
        es.index(index=index_name, id=id_, document=document)
    es.indices.refresh(index=index_name)

    def found(**filters: Any) -> set[str]:
        query = {"bool": {"filter": filter_clauses(filters)}}
        hits = es.search(index=index_name, query=query)["hits"]["hits"]
        return {hit["_id"] for hit in hits}

    assert found(offers={"nested": {"shop": "A", "price": {"lt": 9}}}) == {"cheap-at-a"}
    assert found(offers={"nested": {"shop": "B", "price": {"lt": 9}}}) == set()
    assert found(offers={"nested": [{"shop": "A"}, {"shop": "B"}]}) == {"cheap-at-a"}
    assert found(offers={"not": {"nested": {"shop": "B"}}}) == {"cheap-at-b", "no-offer"}
    assert found(brand={"exists": False}) == {"no-offer"}
    assert found(brand={"not": "Nike", "exists": True}) == {"cheap-at-b"}
    assert found(**parse_filters(["released>=2024-01-01"])) == {"cheap-at-a"}
    assert found(**parse_filters(["brand!=Nike", "brand!=Puma"])) == {"no-offer"}
