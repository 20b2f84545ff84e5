"""Saleor with a search in Elasticsearch: its own until 2.10, and those of apps in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.serve.rewriting.platforms.case import Body, Case, Choice, Platform, Row, searches

PROPERTIES: Body = {
    "name": {"type": "text"},
    "title": {"type": "text"},
    "description": {"type": "text"},
    "is_published": {"type": "boolean"},
    "category": {"type": "keyword"},
    "brand": {"type": "keyword"},
    "price": {"type": "double"},
}


def document(row: Row) -> Body:
    """A product; every ninth is not published."""
    return {
        "name": row.title, "title": row.title, "description": row.description,
        "is_published": _published(row), "category": row.category, "brand": row.brand,
        "price": row.price,
    }  # fmt: skip


def _published(row: Row) -> bool:
    return row.number % 9 != 0


def _filters(choice: Choice) -> list[Body]:
    found: list[Body] = [{"term": {"is_published": True}}]
    if choice.brands:
        found.append({"terms": {"brand": list(choice.brands)}})
    if choice.category:
        found.append({"term": {"category": choice.category}})
    if choice.price:
        low, high = choice.price
        found.append({"range": {"price": {"gte": low, "lte": high}}})
    return found


def _words(text: str, number: int) -> Body:
    """The query for the text, in the forms that its versions and apps send."""
    fields = ["title", "name", "description"]
    similar = " OR ".join(f"{word}~1" for word in text.split())
    forms: list[Body] = [
        {"multi_match": {"fields": fields, "query": text}},
        {"multi_match": {"fields": fields, "query": text, "fuzziness": 1}},
        {"match": {"name": {"query": text, "operator": "or"}}},
        {"match": {"name": text}},
        {"query_string": {"query": f"({similar})^2", "fields": fields}},
        {"simple_query_string": {"query": text, "fields": ["name^2", "description"]}},
        {"combined_fields": {"query": text, "fields": ["name", "description"]}},
    ]
    return forms[number % len(forms)]


def body(text: str | None, choice: Choice, number: int = 0, **more: Any) -> Body:
    """One search."""
    query: Body = {"filter": _filters(choice)}
    if text:
        query["must"] = [_words(text, number)]
    return {"query": {"bool": query}, "_source": False, "from": 0, "size": 16, **more}


def cases() -> Iterator[Case]:
    """Its searches."""
    for number, (text, choice) in enumerate(searches()):
        if "'" in text:  # a query_string reads it as a word
            continue
        yield Case(body=body(text, choice, number), text=text, allowed=_both(choice))
    everything = _both(Choice())
    facets = {"brand": {"terms": {"field": "brand", "size": 50}}}
    for text in ("steel", "tent"):
        made = body(text, Choice(), **{"from": 4, "size": 4})
        yield Case(body=made, text=text, allowed=everything)
        yield Case(body=body(text, Choice(), size=0, aggs=facets), text=text, allowed=everything)
        made = body(text, Choice(), sort=[{"price": "asc"}])
        yield Case(body=made, text=text, allowed=everything, sort=lambda row: row.price)
        made = body(text, Choice(), highlight={"fields": {"name": {}}}, aggs=facets)
        yield Case(body=made, text=text, allowed=everything)
        # Without a filter, the query is not in a `bool`.
        yield Case(body={"query": _words(text, 0), "_source": False}, text=text)
    for choice in (Choice(category="Kitchen"), Choice(brands=("Nike",))):
        yield Case(body=body(None, choice), text=None)


def _both(choice: Choice) -> Any:
    return lambda row: choice(row) and _published(row)


PLATFORM = Platform("saleor", PROPERTIES, document, cases)
