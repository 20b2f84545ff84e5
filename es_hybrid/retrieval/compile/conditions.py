"""Prices and exclusions that a query states, as clauses for an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.filters import Clauses, filter_clauses
from es_hybrid.retrieval.compile.lexical import field_groups
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.exclusion_clause import denial_clause, exclusion_clause

# Fields that say what a product is.
_NAMES = ("title", "category.text")
# A product that says it lacks the unwanted thing precedes one that does not mention it. Rare words
# of a title score more.
_DENIAL_BOOST = 2.0


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
                    condition.excluded, language=condition.language, fields=_names(passport)
                )
            )
    return clauses


def preferred(conditions: Sequence[Condition], passport: Passport) -> Iterator[dict[str, Any]]:
    """Clauses for documents to rank higher: they say that they lack what is not wanted."""
    for condition in conditions:
        if condition.excluded:
            denied = denial_clause(
                condition.excluded, language=condition.language, fields=_names(passport)
            )
            yield {"constant_score": {"filter": denied, "boost": _DENIAL_BOOST}}


def _in_index(filters: Mapping[str, Any], passport: Passport) -> Mapping[str, Any]:
    """The filters with the names of the shop's fields; without those that it lacks."""
    if passport.shop is None:
        return filters
    fields = dict(passport.shop.fields) | dict(passport.shop.keywords)
    return {fields[name]: value for name, value in filters.items() if name in fields}


def _names(passport: Passport) -> list[str]:
    if passport.shop is None:
        groups = field_groups(_NAMES, passport.languages)
    else:
        groups = passport.shop.word_groups(_NAMES)
    return [field for group in groups for field in group]
