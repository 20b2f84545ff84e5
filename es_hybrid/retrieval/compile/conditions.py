"""What a query states besides its words, as clauses for an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.filters import Clauses, filter_clauses
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.lexical import as_written
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.exclusion_clause import denial_clause, exclusion_clause

# Fields that say what a product is.
_NAMES = ("title", "category.text")
# A product that says it lacks the unwanted thing precedes one that does not mention it. Rare words
# of a title score more.
_DENIAL_BOOST = 2.0
# What a value that the query names adds to the score of a product that has it.
_VALUE_BOOST = 8.0


def has_prices(passport: Passport) -> bool:
    """Whether the index has a field for prices that are numbers."""
    shop = passport.shop
    return shop is None or ("price" in dict(shop.fields) and "price" not in dict(shop.keywords))


def condition_clauses(conditions: Sequence[Condition], passport: Passport) -> Clauses:
    """Clauses that a document must all match."""
    clauses: Clauses = []
    for condition in conditions:
        clauses += filter_clauses(_in_index(condition.filters, passport))
        if condition.excluded:
            clauses.append(
                exclusion_clause(
                    condition.excluded,
                    language=condition.language,
                    fields=as_written(_NAMES, passport),
                )
            )
    return clauses


def preferred(conditions: Sequence[Condition], passport: Passport) -> Iterator[dict[str, Any]]:
    """Clauses for documents to rank higher.

    They have a value that the query names, or say that they lack what is not wanted.
    """
    for condition in conditions:
        if condition.values:
            yield from having(condition.values, passport, _VALUE_BOOST)
        if condition.excluded:
            denied = denial_clause(
                condition.excluded, language=condition.language, fields=as_written(_NAMES, passport)
            )
            yield {"constant_score": {"filter": denied, "boost": _DENIAL_BOOST}}


def having(values: Mapping[str, Sequence[str]], passport: Passport, boost: float) -> Clauses:
    """A clause that adds to the score of products with one of these values.

    None, if the index has no field for them.

    Args:
        values: Product field -> values.
    """
    clauses = _having(values, passport)
    return [{"constant_score": {"filter": _any(clauses), "boost": boost}}] if clauses else []


def nearest_clauses(conditions: Sequence[Condition], passport: Passport) -> Clauses:
    """Clauses that the vector leg's hits must all match, since vectors hardly tell colours apart.

    Products with other colours are none of its hits; those that state no colour are.
    """
    return [
        _any(_having(condition.values, passport, or_none=True))
        for condition in conditions
        if condition.kind == "colour"
    ]


def _in_index(filters: Mapping[str, Any], passport: Passport) -> Mapping[str, Any]:
    """The filters with the names of the shop's fields; without those that it lacks."""
    if passport.shop is None:
        return filters
    fields = dict(passport.shop.fields) | dict(passport.shop.keywords)
    return {fields[name]: value for name, value in filters.items() if name in fields}


def _having(
    values: Mapping[str, Sequence[str]], passport: Passport, *, or_none: bool = False
) -> Clauses:
    """Clauses for the values of each field.

    Args:
        or_none: Also products that have no value there: nothing says that they lack it.
    """
    clauses: Clauses = []
    for name, wanted in values.items():
        for field in _fields(name, passport):
            clauses.append({"terms": {field: _as_stored(name, wanted, passport)}})
    if or_none:
        fields = [field for name in values for field in _fields(name, passport)]
        exists = [{"exists": {"field": field}} for field in fields]
        clauses.append({"bool": {"must_not": exists}})
    return clauses


def _any(clauses: Clauses) -> dict[str, Any]:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses}}


def _fields(name: str, passport: Passport) -> list[str]:
    """The fields of the index with the exact values of a product field or attribute."""
    if passport.shop is None:
        return [name]
    if name in (keywords := dict(passport.shop.keywords)):
        return [keywords[name]]
    product_field, dot, attribute = name.partition(".")
    path = dict(passport.shop.fields).get(product_field)
    # What Elasticsearch makes of a text that no mapping mentions.
    return [f"{path}.{attribute}", f"{path}.{attribute}.keyword"] if path and dot else []


def _as_stored(name: str, values: Sequence[str], passport: Passport) -> list[str]:
    """The values; a shop's own index may have the steps of a category path one by one."""
    if passport.shop is None or name != "category":
        return list(values)
    return list(dict.fromkeys([*values, *(value.rpartition(" > ")[2] for value in values)]))
