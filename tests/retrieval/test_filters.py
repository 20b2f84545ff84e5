"""Filters as typed, as clauses."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.retrieval.filters import filter_clauses, parse_filters


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
        ([], {}),
    ],
)
def test_expressions(expressions: list[str], filters: dict[str, Any]) -> None:
    assert parse_filters(expressions) == filters


@pytest.mark.parametrize("expression", ["brand", "", "price<=cheap", "=x"])
def test_what_cannot_be_read_is_named(expression: str) -> None:
    with pytest.raises(SettingsError, match="cannot read the filter"):
        parse_filters([expression])


def test_clauses() -> None:
    assert filter_clauses({"a": "x", "b": ["y", "z"], "c": {"gte": 1}, "d": True}) == [
        {"term": {"a": "x"}},
        {"terms": {"b": ["y", "z"]}},
        {"range": {"c": {"gte": 1}}},
        {"term": {"d": True}},
    ]
