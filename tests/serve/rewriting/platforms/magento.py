"""Magento's own search. Follows its `Mapper`, `MatchQuery` and the builders of filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.serve.rewriting.platforms.case import (
    Body,
    Case,
    Choice,
    Platform,
    Row,
    categories,
    rows,
    searches,
)

PROPERTIES: Body = {
    "store_id": {"type": "integer"},
    "entity_id": {"type": "integer"},
    "name": {"type": "text", "fields": {"sort_name": {"type": "keyword"}}},
    "sku": {"type": "text"},
    "description": {"type": "text"},
    "visibility": {"type": "integer"},
    "category_ids": {"type": "integer"},
    "manufacturer": {"type": "integer"},
    "manufacturer_value": {"type": "text"},
    "price_0_1": {"type": "double"},
    "_search": {"type": "text"},
}
_IN_SEARCH = [3, 4]


def _brands() -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted({row.brand for row in rows()}), 1)}


def document(row: Row) -> Body:
    """A product; every ninth is not visible in searches."""
    return {
        "store_id": 1, "entity_id": row.number, "name": row.title, "sku": row.sku,
        "description": row.description, "visibility": 4 if _visible(row) else 1,
        "category_ids": [2, categories()[row.category] + 10],
        "manufacturer": _brands()[row.brand], "manufacturer_value": row.brand,
        "price_0_1": row.price, "_search": f"{row.title} {row.brand}",
    }  # fmt: skip


def _visible(row: Row) -> bool:
    return row.number % 9 != 0


def _should(text: str, *, least: str | None) -> list[Body]:
    """The text in every searchable attribute, each with its own boost."""
    quoted = len(text) > 2 and text[0] == text[-1] == '"'
    value, condition = (text[1:-1], "match_phrase") if quoted else (text, "match")
    clauses: list[Body] = []
    for field, boost in (("name", 6), ("sku", 7), ("description", 2), ("_search", 2)):
        options: Body = {"query": value, "boost": boost}
        if least and condition == "match":
            options["minimum_should_match"] = least
        clauses.append({condition: {field: options}})
    prefixed = {"match_phrase_prefix": {"name": {"query": value, "boost": 2}}}
    return [*clauses, prefixed]


def _must(choice: Choice) -> list[Body]:
    found: list[Body] = []
    if choice.category:
        found.append({"term": {"category_ids": categories()[choice.category] + 10}})
    if choice.price:
        low, high = choice.price
        found.append({"range": {"price_0_1": {"gte": low, "lte": high}}})
    if choice.brands:
        found.append({"terms": {"manufacturer": [_brands()[brand] for brand in choice.brands]}})
    return [*found, {"terms": {"visibility": _IN_SEARCH}}]


def body(
    text: str | None,
    choice: Choice,
    *,
    page: int = 0,
    size: int = 12,
    sort: Any = ({"_score": {"order": "desc"}},),
    least: str | None = None,
    stored: bool = True,
) -> Body:
    """One search."""
    query: Body = {"must": _must(choice)}
    if text:
        query["should"] = _should(text, least=least)
        query["minimum_should_match"] = 1
    fields = {"stored_fields": "_none_", "docvalue_fields": ["_id", "_score"]}
    return {
        "from": page * size,
        "size": size,
        **(fields if stored else {"fields": ["entity_id", "_score"], "_source": False}),
        "sort": list(sort),
        "query": {"bool": query},
        "aggregations": {
            "price_bucket": {"extended_stats": {"field": "price_0_1"}},
            "category_bucket": {"terms": {"field": "category_ids", "size": 500}},
            "manufacturer_bucket": {"terms": {"field": "manufacturer", "size": 500}},
        },
        "track_total_hits": True,
    }


def _advanced(price: tuple[float, float]) -> Body:
    """The advanced search: conditions in `should`, and no text."""
    should = [
        {"wildcard": {"sku": "*kit*"}},
        {"range": {"price_0_1": {"gte": price[0], "lte": price[1]}}},
    ]
    made = body(None, Choice())
    made["query"]["bool"] |= {"should": should, "minimum_should_match": 1}
    return made


def cases() -> Iterator[Case]:
    """Its searches."""
    for number, (text, choice) in enumerate(searches()):
        made = body(text, choice, least=("75%", None)[number % 2], stored=number % 3 != 0)
        yield Case(body=made, text=text, allowed=_both(choice))
    for text in ("steel", "wireless"):
        everything = _both(Choice())
        yield Case(body=body(f'"{text}"', Choice()), text=text, allowed=everything)
        yield Case(body=body(text, Choice(), page=1, size=4), text=text, allowed=everything)
        yield Case(body=body(text, Choice(), size=0), text=text, allowed=everything)
        by_price = ({"price_0_1": {"order": "asc"}}, {"_score": {"order": "desc"}})
        made = body(text, Choice(), sort=by_price)
        yield Case(body=made, text=text, allowed=everything, sort=lambda row: row.price)
        by_name = ({"name.sort_name": {"order": "asc"}},)
        made = body(text, Choice(), sort=by_name)
        yield Case(body=made, text=text, allowed=everything, sort=lambda row: row.title)
        ties = ({"_score": {"order": "desc"}}, {"entity_id": {"order": "desc"}})
        yield Case(body=body(text, Choice(), sort=ties), text=text, allowed=everything)
    position = ({"name.sort_name": {"order": "desc"}},)
    for choice in (Choice(category="Kitchen"), Choice(category="Shoes", price=(0, 90))):
        yield Case(body=body(None, choice, sort=position), text=None)
    yield Case(body=_advanced((10, 20)), text=None)


def _both(choice: Choice) -> Any:
    return lambda row: choice(row) and _visible(row)


PLATFORM = Platform("magento", PROPERTIES, document, cases)
