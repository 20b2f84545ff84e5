"""Shopware 6. Follows its `ProductSearchQueryBuilder`, `TokenQueryBuilder` and `CriteriaParser`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.serve.rewriting.platforms.case import Body, Case, Choice, Platform, Row, searches

_LANGUAGE = "2fbb5fe2e29a4d70aa5854ce7ce3e20b"
_PARENT = "9d185b6a82224319a326a0aed4f80d0a"
_CHANNEL = "98432def39fc4624b33213a56b8c944d"
_SEARCHED = {"search": {"type": "text"}, "ngram": {"type": "text"}}
_TEXT = {"type": "keyword", "fields": _SEARCHED}
_TRANSLATED = {"properties": {_LANGUAGE: _TEXT, _PARENT: _TEXT}}
PROPERTIES: Body = {
    "id": {"type": "keyword"},
    "name": _TRANSLATED,
    "description": _TRANSLATED,
    "productNumber": _TEXT,
    "ean": _TEXT,
    "active": {"type": "boolean"},
    "available": {"type": "boolean"},
    "stock": {"type": "integer"},
    "displayGroup": {"type": "keyword"},
    "manufacturerId": {"type": "keyword"},
    "manufacturer": {
        "type": "nested", "properties": {"id": {"type": "keyword"}, "name": _TRANSLATED}
    },
    "categoriesRo": {"type": "nested", "properties": {"id": {"type": "keyword"}}},
    "visibilities": {
        "type": "nested",
        "properties": {"salesChannelId": {"type": "keyword"}, "visibility": {"type": "integer"}},
    },
    "price": {"properties": {"gross": {"type": "double"}}},
}  # fmt: skip


def document(row: Row) -> Body:
    """A product; every ninth is only reached by its link."""
    return {
        "id": str(row.number), "name": {_LANGUAGE: row.title}, "productNumber": row.sku,
        "description": {_LANGUAGE: row.description}, "ean": f"40{row.number:011d}",
        "active": True, "available": True, "stock": row.number,
        "displayGroup": f"g{row.number // 2}",
        "manufacturerId": row.brand,
        "manufacturer": [{"id": row.brand, "name": {_LANGUAGE: row.brand}}],
        "categoriesRo": [{"id": row.category}], "price": {"gross": row.price},
        "visibilities": [
            {"salesChannelId": _CHANNEL, "visibility": 30 if row.number % 9 else 10}
        ],
    }  # fmt: skip


def _match(field: str, token: str, ranking: float, *, tokenize: bool) -> Body:
    search = f"{field}.search"
    exact = {"query": token, "boost": 5 * ranking, "fuzziness": 0}
    prefix = {"query": token, "boost": 4 * ranking, "slop": 3, "max_expansions": 10}
    fuzzy = {"query": token, "boost": 3 * ranking, "fuzziness": "auto" if tokenize else 1}
    clauses: list[Body] = [
        {"match": {search: exact}}, {"match_phrase_prefix": {search: prefix}},
        {"match": {search: fuzzy}},
    ]  # fmt: skip
    if tokenize:
        clauses.append({"match": {f"{field}.ngram": {"query": token, "boost": 2 * ranking}}})
    return {"bool": {"should": clauses}}


def _translated(field: str, token: str, ranking: float) -> Body:
    queries = [
        _match(f"{field}.{language}", token, ranking * weight, tokenize=True)
        for language, weight in ((_LANGUAGE, 1.0), (_PARENT, 0.8))
    ]
    return {"dis_max": {"queries": queries}}


def _token(token: str) -> Body:
    maker = {
        "nested": {"path": "manufacturer", "query": _translated("manufacturer.name", token, 500)}
    }
    clauses = [
        _translated("name", token, 700), _match("productNumber", token, 1000, tokenize=False),
        _match("ean", token, 500, tokenize=False), maker,
    ]  # fmt: skip
    if token.isdecimal():
        clauses.append({"term": {"stock": {"value": int(token), "boost": 5}}})
    return {"bool": {"should": clauses}}


def _term(text: str, *, every: bool) -> Body:
    """A query for each word, and one for the whole text."""
    term = text.lower()
    tokens = list(dict.fromkeys([*term.split(), term]))
    return {"bool": {"must" if every else "should": [_token(token) for token in tokens]}}


def _conditions(choice: Choice) -> list[Body]:
    found: list[Body] = []
    if choice.brands:
        found.append({"terms": {"manufacturerId": list(choice.brands)}})
    if choice.category:
        term = {"term": {"categoriesRo.id": choice.category}}
        found.append({"nested": {"path": "categoriesRo", "query": term}})
    if choice.price:
        low, high = choice.price
        found.append({"range": {"price.gross": {"gte": low, "lte": high}}})
    return found


def body(
    text: str | None,
    choice: Choice,
    *,
    page: int = 0,
    size: int = 24,
    every: bool = False,
    after: bool = False,
    sort: Any = None,
    **more: Any,
) -> Body:
    """One search.

    Args:
        every: All words must be found.
        after: The shopper's choice is a `post_filter`, as in listings.
    """
    visible = [
        {"term": {"visibilities.salesChannelId": _CHANNEL}},
        {"range": {"visibilities.visibility": {"gte": 20}}},
    ]
    nested = {"nested": {"path": "visibilities", "query": {"bool": {"must": visible}}}}
    chosen = _conditions(choice)
    conditions = [{"term": {"active": True}}, nested, *([] if after else chosen)]
    query: Body = {"filter": [{"bool": {"must": conditions}}]}
    if text:
        query["must"] = [_term(text, every=every)]
    made: Body = {
        "query": {"bool": query},
        "size": size,
        "from": page * size,
        "timeout": "5s",
        **more,
    }
    if after and chosen:
        made["post_filter"] = {"bool": {"filter": [{"bool": {"must": chosen}}]}}
    if sort:
        made["sort"] = sort
    return made


_COUNTED = "?track_total_hits=true&search_type=query_then_fetch"


def cases() -> Iterator[Case]:
    """Its searches."""
    for number, (text, choice) in enumerate(searches()):
        made = body(text, choice, every=number % 4 == 0, after=number % 2 == 0)
        yield Case(body=made, text=text, allowed=_both(choice), parameters=_COUNTED)
    everything = _both(Choice())
    facets = {"manufacturer": {"terms": {"field": "manufacturerId", "size": 10000}},
              "price": {"stats": {"field": "price.gross"}}}  # fmt: skip
    for text in ("steel", "running shoes"):
        yield Case(body=body(text, Choice(), page=1, size=4), text=text, allowed=everything)
        # The facets of a listing are a search of their own.
        made = body(text, Choice(), size=0, aggregations=facets)
        yield Case(body=made, text=text, allowed=everything)
        by_price = [{"price.gross": {"order": "asc"}}]
        made = body(text, Choice(), sort=by_price)
        yield Case(body=made, text=text, allowed=everything, sort=lambda row: row.price)
        relevance = [{"_score": {"order": "desc"}}, {"id": {"order": "asc"}}]
        yield Case(body=body(text, Choice(), sort=relevance), text=text, allowed=everything)
        groups = {"total-count": {"cardinality": {"field": "displayGroup"}}}
        made = body(text, Choice(), collapse={"field": "displayGroup"}, aggregations=groups)
        yield Case(body=made, text=text, allowed=everything)
    for choice in (Choice(category="Kitchen"), Choice(brands=("Nike",))):  # listings
        yield Case(body=body(None, choice, aggregations=facets), text=None, parameters=_COUNTED)


def _both(choice: Choice) -> Any:
    return lambda row: choice(row) and row.number % 9 != 0


PLATFORM = Platform("shopware", PROPERTIES, document, cases)
