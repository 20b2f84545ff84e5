"""Elastic's Search UI with its connector. Follows its `SearchQueryBuilder`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.serve.rewriting.platforms.case import Body, Case, Choice, Platform, Row, searches

PROPERTIES: Body = {
    "title": {"type": "text"},
    "body": {"type": "text"},
    "brand": {"type": "keyword"},
    "category": {"type": "keyword"},
    "price": {"type": "double"},
    "available": {"type": "boolean"},
    "completion": {"type": "completion"},
}
_FIELDS = ["title^3", "body"]
_RANGES = {"cheap": {"to": 50}, "dear": {"from": 50}}


def document(row: Row) -> Body:
    """A product."""
    return {
        "title": row.title, "body": row.description, "brand": row.brand,
        "category": row.category, "price": row.price, "available": row.number % 10 != 0,
        "completion": row.title,
    }  # fmt: skip


def _available(row: Row) -> bool:
    return row.number % 10 != 0


def _query(text: str, *, fuzzy: bool) -> Body:
    def match(type_: str, **options: Any) -> Body:
        return {"multi_match": {"query": text, "fields": _FIELDS, "type": type_, **options}}

    first = {"operator": "and", **({"fuzziness": "AUTO"} if fuzzy else {})}
    clauses = [
        match("best_fields", **first),
        *map(match, ("cross_fields", "phrase", "phrase_prefix")),
    ]
    return {"bool": {"must": [{"bool": {"minimum_should_match": 1, "should": clauses}}]}}


def _chosen(choice: Choice) -> list[tuple[str, Body]]:
    """The facet filters, each with its field."""
    found: list[tuple[str, Body]] = []
    if choice.brands:
        terms = [{"term": {"brand": brand}} for brand in choice.brands]
        found.append(("brand", {"bool": {"should": terms}}))
    if choice.category:
        found.append(("category", {"bool": {"filter": [{"term": {"category": choice.category}}]}}))
    if choice.price:
        low, high = choice.price
        found.append(
            ("price", {"bool": {"filter": [{"range": {"price": {"gte": low, "lte": high}}}]}})
        )
    return found


def _facet(field: str) -> Body:
    if field == "price":
        ranges = {
            name: {
                "range": {"price": {{"from": "gte", "to": "lte"}[k]: v for k, v in bounds.items()}}
            }
            for name, bounds in _RANGES.items()
        }
        return {"filters": {"filters": ranges}}
    return {"terms": {"field": field, "size": 20, "order": {"_count": "desc"}}}


def _aggregations(chosen: list[tuple[str, Body]], *, disjunctive: bool) -> Body:
    clauses = [clause for _, clause in chosen]
    together = ["category", "price"] if disjunctive and chosen else ["brand", "category", "price"]
    aggs: Body = {
        "facet_bucket_all": {
            "aggs": {field: _facet(field) for field in together},
            "filter": {"bool": {"must": clauses}},
        }
    }
    if disjunctive and chosen:
        others = [clause for field, clause in chosen if field != "brand"]
        inside = {"brand": _facet("brand")}
        aggs["facet_bucket_brand"] = {"aggs": inside, "filter": {"bool": {"must": others}}}
    return aggs


def body(
    text: str,
    choice: Choice,
    *,
    page: int = 1,
    size: int = 20,
    sort: Any = "_score",
    fuzzy: bool = False,
    disjunctive: bool = False,
    filtered: bool = False,
) -> Body:
    """One search."""
    chosen = _chosen(choice)
    made: Body = {
        "size": size,
        "_source": {"includes": ["title", "brand", "price"]},
        "from": (page - 1) * size,
        "sort": sort,
        "highlight": {"fields": {"title": {}}},
        "aggs": _aggregations(chosen, disjunctive=disjunctive),
    }
    if chosen:
        made["post_filter"] = {"bool": {"must": [clause for _, clause in chosen]}}
    query = _query(text, fuzzy=fuzzy) if text else {}
    if filtered:
        available = {"bool": {"filter": [{"term": {"available": True}}]}}
        query = {"bool": {**query.get("bool", {}), "filter": [available]}}
    if query:
        made["query"] = query
    return made


def _completion(text: str) -> Body:
    """Products for what is being typed."""
    match = {"query": text, "type": "bool_prefix", "fields": ["title"], "fuzziness": "AUTO"}
    return {
        "size": 5,
        "_source": {"includes": ["title"]},
        "highlight": {"fields": {"title": {}}},
        "query": {"bool": {"must": [{"multi_match": match}]}},
    }


def cases() -> Iterator[Case]:
    """Its searches."""
    for number, (text, choice) in enumerate(searches()):
        made = body(text, choice, fuzzy=number % 2 == 0, disjunctive=number % 3 == 0)
        yield Case(body=made, text=text, allowed=choice)
    for text in ("steel", "waterproof"):
        yield Case(body=body(text, Choice(), filtered=True), text=text, allowed=_available)
        yield Case(body=body(text, Choice(), page=2, size=5), text=text)
        for sort in ({"price": "asc"}, [{"price": "asc"}], [{"price": "asc"}, {"brand": "desc"}]):
            yield Case(body=body(text, Choice(), sort=sort), text=text, sort=lambda row: row.price)
        yield Case(body=_completion(text), text=None)
    yield Case(body=body("", Choice()), text=None)
    yield Case(body=body("", Choice(brands=("Nike",)), filtered=True), text=None)
    suggest = {"prefix": "Elec", "completion": {"size": 5, "skip_duplicates": True,
               "field": "completion", "fuzzy": {"fuzziness": 1}}}  # fmt: skip
    yield Case(
        body={"size": 0, "_source": {"includes": []}, "suggest": {"suggest": suggest}}, text=None
    )


PLATFORM = Platform("search-ui", PROPERTIES, document, cases)
