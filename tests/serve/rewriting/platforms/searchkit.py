"""Searchkit: InstantSearch's requests as Elasticsearch's. Follows its `transformRequest`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.serve.rewriting.platforms.case import Body, Case, Choice, Platform, Row, searches

PROPERTIES: Body = {
    "title": {"type": "text"},
    "description": {"type": "text"},
    "brand": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
    "type": {"type": "keyword"},
    "price": {"type": "float"},
    "offers": {"type": "nested", "properties": {"seller": {"type": "keyword"}}},
}
_FIELDS = (("title", 3.0), ("description", 1.0))


def document(row: Row) -> Body:
    """A product."""
    return {
        "title": row.title, "description": row.description, "brand": row.brand,
        "type": row.category, "price": row.price, "offers": [{"seller": row.brand}],
    }  # fmt: skip


def relevance(text: str) -> Body:
    """The query of a text."""

    def match(boost: float, **options: Any) -> Body:
        fields = [f"{name}^{weight * boost:g}" for name, weight in _FIELDS]
        return {"multi_match": {"query": text, "fields": fields, **options}}

    words = [match(1, fuzziness="AUTO:4,8"), match(0.5, type="bool_prefix")]
    return {"bool": {"should": [{"bool": {"should": words}}, match(2, type="phrase")]}}


def aggregations(*facets: str) -> Body:
    """The facets, all or some."""
    fields = {"brand": "brand.keyword", "type": "type"}
    aggs: Body = {
        facet: {"terms": {"field": fields[facet], "size": 100}}
        for facet in facets
        if facet in fields
    }
    if "price" in facets:
        aggs["price$_stats"] = {"stats": {"field": "price"}}
        aggs["price$_entries"] = {"terms": {"field": "price", "size": 100}}
    if "seller" in facets:
        seller = {"seller": {"terms": {"field": "offers.seller", "size": 100}}}
        aggs["offers."] = {"nested": {"path": "offers"}, "aggs": seller}
    return aggs


def filters(choice: Choice, *, nested: bool = False) -> list[Body]:
    """`facetFilters` and `numericFilters`."""
    found: list[Body] = []
    if choice.brands and nested:
        sellers = [{"term": {"offers.seller": brand}} for brand in choice.brands]
        inside = {"bool": {"should": sellers}}
        found.append({"nested": {"inner_hits": {}, "path": "offers", "query": inside}})
    elif choice.brands:
        brands = [{"term": {"brand.keyword": brand}} for brand in choice.brands]
        found.append({"bool": {"should": brands}})
    if choice.category:
        found.append({"term": {"type": choice.category}})
    if choice.price:
        low, high = choice.price
        found += [{"range": {"price": {"gte": str(low)}}}, {"range": {"price": {"lte": str(high)}}}]
    return found


def body(
    text: str, choice: Choice, *, size: int = 20, page: int = 0, nested: bool = False, **more: Any
) -> Body:
    """One search of an `_msearch`."""
    return {
        "aggs": aggregations("brand", "type", "price"),
        "query": {
            "bool": {
                "filter": filters(choice, nested=nested),
                "must": relevance(text) if text else {"match_all": {}},
            }
        },
        "size": size,
        "from": page * size,
        "_source": {"includes": ["title", "brand", "price", "type"]},
        "highlight": {
            "pre_tags": ["<em>"],
            "post_tags": ["</em>"],
            "fields": {
                "title": {"number_of_fragments": 0},
                "description": {"number_of_fragments": 5, "fragment_size": 100},
            },
        },
        **more,
    }


def pinned(text: str, choice: Choice) -> Body:
    """A search with a query rule that pins and boosts. The embedded node has no `pinned`."""
    made = body(text, choice)
    organic = made["query"]["bool"]["must"]
    boost = {"filter": {"query_string": {"query": "type:Kitchen"}}, "weight": 2}
    made["query"]["bool"]["must"] = {
        "function_score": {
            "query": {"pinned": {"ids": ["1"], "organic": organic}},
            "functions": [boost],
        }
    }
    return made


def cases() -> Iterator[Case]:
    """Its searches."""
    for text, choice in searches():
        yield Case(body=body(text, choice), text=text, allowed=choice)
    some = Choice(brands=("Kessla", "Nike"))
    for text in ("steel", "kettle"):
        yield Case(body=body(text, some, nested=True), text=text, allowed=some)
        yield Case(body=body(text, Choice(), size=5, page=1), text=text)
        yield Case(body=body(text, Choice(), size=0), text=text)
        yield Case(body=body(text, Choice(), aggs=aggregations("seller")), text=text)
        yield Case(body=body(text, Choice(), sort={"price": "asc"}), text=text, sort=_price)
        yield Case(body=body(text, Choice(), sort=[{"price": "asc"}]), text=text, sort=_price)
        found = {"brand": {"terms": {"field": "brand.keyword", "size": 10, "include": "[kK]es.*"}}}
        yield Case(body=body(text, Choice(), aggs=found), text=text)
    for choice in (Choice(), some):  # browsing
        yield Case(body=body("", choice), text=None)


def _price(row: Row) -> float:
    return row.price


PLATFORM = Platform("searchkit", PROPERTIES, document, cases)
