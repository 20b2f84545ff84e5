"""Smile's Elasticsuite for Magento. Follows its builders of full text, filters and sort orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.serve.rewriting.platforms.case import (
    Body,
    Case,
    Choice,
    Platform,
    Row,
    categories,
    searches,
)

_NAME = {
    "shingle": {"type": "text"},
    "whitespace": {"type": "text"},
    "sortable": {"type": "keyword"},
}
PROPERTIES: Body = {
    "entity_id": {"type": "integer"},
    "name": {"type": "text", "fields": _NAME},
    "sku": {"type": "text", "fields": {"untouched": {"type": "keyword"}}},
    "search": {"type": "text", "fields": _NAME},
    "spelling": {"type": "text", "fields": {"phonetic": {"type": "text"}, **_NAME}},
    "visibility": {"type": "integer"},
    "status": {"type": "integer"},
    "option_text_brand": {"type": "text", "fields": {"untouched": {"type": "keyword"}}},
    "category": {
        "type": "nested",
        "properties": {"category_id": {"type": "integer"}, "position": {"type": "integer"}},
    },
    "price": {
        "type": "nested",
        "properties": {"price": {"type": "double"}, "customer_group_id": {"type": "integer"}},
    },
}


def document(row: Row) -> Body:
    """A product; every ninth is not visible in searches."""
    whole = f"{row.title} {row.brand} {row.description}"
    return {
        "entity_id": row.number, "name": row.title, "sku": row.sku, "search": whole,
        "spelling": whole, "visibility": 4 if _visible(row) else 1, "status": 1,
        "option_text_brand": row.brand,
        "category": [{"category_id": categories()[row.category], "position": row.number}],
        "price": [{"price": row.price, "customer_group_id": 0}],
    }  # fmt: skip


def _visible(row: Row) -> bool:
    return row.number % 9 != 0


def _multi(text: str, fields: Sequence[str], least: Any, **more: Any) -> Body:
    options = {
        "query": text, "fields": list(fields), "minimum_should_match": least, "tie_breaker": 1,
        "boost": 1, "type": "best_fields", **more,
    }  # fmt: skip
    return {"multi_match": options}


def _boolean(name: str | None = None, **clauses: list[Body]) -> Body:
    """A `bool` with all its clauses, as the builder writes it."""
    made: Body = {"must": [], "must_not": [], "should": [], **clauses}
    if made["should"]:
        made["minimum_should_match"] = 1
    made["boost"] = 1
    return {"bool": made | ({"_name": name} if name else {})}


def _exact(text: str) -> Body:
    """The words must be there, whatever they score."""
    inside = {
        "filter": _multi(text, ["search^1", "sku^1"], "100%"),
        "must": _multi(text, ["search^1", "name^5", "name.shingle^10", "name.sortable^20"], 1),
        "_name": "EXACT",
        "boost": 1,
    }
    return {"bool": inside}


def _spanned(text: str) -> Body:
    terms = [{"span_term": {"name.whitespace": {"value": w.lower()}}} for w in text.split()]
    near = {"span_near": {"clauses": terms, "slop": 0, "in_order": True}}
    span = {"span_first": {"match": near, "end": len(terms), "boost": 10, "_name": "SPAN"}}
    made = _boolean(must=[_exact(text)], should=[span])
    made["bool"]["minimum_should_match"] = 0
    return made


def _fuzzy(text: str) -> Body:
    fields = ["spelling.whitespace^1", "name.whitespace^5"]
    fuzzy = {"fuzziness": "AUTO", "prefix_length": 1, "max_expansions": 10, "_name": "FUZZY"}
    clauses = [
        _multi(text, fields, "100%", **fuzzy),
        _multi(text, ["spelling.phonetic^1"], "100%", _name="PHONETIC"),
    ]
    return _boolean("SPELLCHECK", should=clauses)


def _synonyms(text: str) -> Body:
    """The text, and what a thesaurus makes of it."""
    return _boolean(should=[_exact(text), _exact(text.replace("kettle", "teapot"))])


def _conditions(choice: Choice) -> list[Body]:
    found: list[Body] = []
    if choice.category:
        term = {
            "term": {"category.category_id": {"value": categories()[choice.category], "boost": 1}}
        }
        found.append(
            {"nested": {"path": "category", "score_mode": "none", "query": term, "boost": 1}}
        )
    if choice.price:
        low, high = choice.price
        bounds = {"range": {"price.price": {"gte": low, "lte": high, "boost": 1}}}
        group = {"term": {"price.customer_group_id": {"value": 0, "boost": 1}}}
        inside = _boolean(must=[group, bounds])
        found.append(
            {"nested": {"path": "price", "score_mode": "none", "query": inside, "boost": 1}}
        )
    if choice.brands:
        found.append({"terms": {"option_text_brand.untouched": list(choice.brands), "boost": 1}})
    return found


_PRICE_FACET: Body = {
    "nested": {"path": "price"},
    "aggregations": {
        "price.price": {
            "filter": {"term": {"price.customer_group_id": {"value": 0, "boost": 1}}},
            "aggregations": {
                "price.price": {"histogram": {"field": "price.price", "interval": 10}}
            },
        }
    },
}
_BY_RELEVANCE: tuple[Body, ...] = (
    {"_score": {"order": "desc"}},
    {"entity_id": {"order": "desc", "missing": "_first", "unmapped_type": "keyword"}},
)


def body(
    text: Body | None,
    choice: Choice,
    *,
    page: int = 0,
    size: int = 12,
    sort: Sequence[Body] = _BY_RELEVANCE,
    boosted: bool = False,
    after: bool = False,
    track: Any = True,
) -> Body:
    """One search.

    Args:
        after: The shopper's choice is a `post_filter`, as for facets with several values.
        boosted: An optimizer is active.
    """
    shown = {"terms": {"visibility": [3, 4], "boost": 1}}
    enabled = {"terms": {"status": [1], "boost": 1}}
    conditions = _conditions(choice)
    must = [shown, enabled, *([] if after else conditions)]
    root: Body = {"bool": {"filter": _boolean(must=must), "boost": 1}}
    if text is not None:
        root["bool"]["must"] = text
    if boosted:
        dear = {"filter": {"range": {"entity_id": {"gte": 40, "boost": 1}}}, "weight": 1.2}
        root = {
            "function_score": {
                "score_mode": "multiply", "boost_mode": "multiply", "functions": [dear],
                "query": root,
            }
        }  # fmt: skip
    brands = {
        "terms": {"field": "option_text_brand.untouched", "size": 50, "order": {"_count": "desc"}}
    }
    made: Body = {
        "size": size,
        **({"sort": list(sort), "from": page * size} if size else {}),
        "query": root,
        "aggregations": {"option_text_brand": brands, "price.price": _PRICE_FACET},
        "track_total_hits": track,
    }
    if after and conditions:
        made["post_filter"] = _boolean(must=conditions)
    return made


def cases() -> Iterator[Case]:
    """Its searches."""
    queries = (_exact, _spanned, _fuzzy, _exact)
    for number, (text, choice) in enumerate(searches()):
        made = body(
            queries[number % 4](text), choice, boosted=number % 3 == 0, after=number % 2 == 1
        )
        yield Case(body=made, text=text, allowed=_both(choice))
    everything = _both(Choice())
    for text in ("electric kettle", "steel"):
        query = _exact(text)
        yield Case(body=body(_synonyms(text), Choice()), text=text, allowed=everything)
        yield Case(body=body(query, Choice(), page=1, size=4), text=text, allowed=everything)
        yield Case(body=body(query, Choice(), size=0), text=text, allowed=everything)
        nested = {"price.price": {"order": "asc", "missing": "_last", "unmapped_type": "keyword",
                                  "nested": {"path": "price"}, "mode": "min"}}  # fmt: skip
        made = body(query, Choice(), sort=[nested, *_BY_RELEVANCE])
        yield Case(body=made, text=text, allowed=everything, sort=lambda row: row.price)
        # GraphQL asks for hits and their number in two searches.
        made = body(query, Choice(), track=False)
        yield Case(body=made, text=text, allowed=everything)
        # Completions of what is being typed.
        yield Case(body=body(query, Choice(), size=5, track=0), text=None)
    for choice in (Choice(category="Kitchen"), Choice(brands=("Nike",))):  # browsing
        yield Case(body=body(None, choice), text=None)
    constant = body(None, Choice())
    constant["query"] = {
        "constant_score": {"filter": constant["query"]["bool"]["filter"], "boost": 1}
    }
    yield Case(body=constant, text=None)


def _both(choice: Choice) -> Any:
    return lambda row: choice(row) and _visible(row)


PLATFORM = Platform("elasticsuite", PROPERTIES, document, cases)
