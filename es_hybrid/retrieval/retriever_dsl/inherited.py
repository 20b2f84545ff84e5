"""The filters that the vector leaf takes over from a query.

    {"bool": {"must": [{"match": {"title": "mug"}}, {"term": {"brand": "Feld"}}]}}
    -> {"term": {"brand": "Feld"}}

They are conditions that every hit of the query satisfies. A clause is such a condition if it is
declared as one (`filter`, `must_not`) or does not measure relevance: by the kind of its query, or
because its field is a keyword, a number, a date and the like. Full text is what is searched for:
products found by their meaning need not have these words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.cleaning import clean_query
from es_hybrid.retrieval.field_types import FieldTypes
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.retriever_dsl.minimum_should_match import least_matches

# Queries around another one, whose hits are hits of that one -> its name. `pinned` and `rule` also
# return the documents they name; these come from the lexical leaf.
_WRAPPERS = {
    "function_score": "query",
    "script_score": "query",
    "boosting": "positive",
    "constant_score": "filter",
    "pinned": "organic",
    "rule": "organic",
}
# Queries that a document matches or not, whatever their field.
_CONSTANT = frozenset(
    ("exists", "range", "ids", "script", "geo_bounding_box", "geo_distance",
     "geo_polygon", "geo_shape", "geo_grid", "shape")
)  # fmt: skip
# Queries for whole values: conditions, except on full text.
_VALUES = frozenset(("term", "terms", "terms_set"))
# Queries for words, which on an exact field are queries for whole values.
_WORDS = frozenset(("match", "match_phrase", "multi_match"))
# Queries with a choice of fields, and all queries for words.
_OF_FIELDS = frozenset(("multi_match", "combined_fields", "query_string", "simple_query_string"))
_FULL_TEXT = _WORDS | _OF_FIELDS | {"match_phrase_prefix", "match_bool_prefix"}
# Queries for parts of a value: conditions on an exact field, unless the shopper typed the part.
_PATTERNS = frozenset(("prefix", "wildcard", "regexp"))
# Options of a query that are not its field.
_OPTIONS = frozenset(("boost", "_name"))
_PARTIAL = ("phrase_prefix", "bool_prefix")
_WORD = re.compile(r"\w+")


def inherited_filters(
    query: Any, fields: FieldTypes, *, text: str = "", searched: Sequence[str] = ()
) -> list[Clause]:
    """Conditions that every hit of a query satisfies, apart from full text.

    Skips malformed clauses: Elasticsearch refuses those itself.

    Args:
        text: The shopper's. `match` and the like for it, and patterns of its words, are no
            conditions on any field.
        searched: Texts of clauses that are no conditions even where they are declared as such.

    >>> types = FieldTypes(text=frozenset({"t"}), exact=frozenset({"a"}))
    >>> inherited_filters({"bool": {"must": [{"match": {"t": "x"}}, {"term": {"a": 1}}]}}, types)
    [{'term': {'a': 1}}]
    """
    return _Reader(fields, text, searched).conditions(query)


class _Reader:
    """Reads the conditions from one query."""

    def __init__(self, fields: FieldTypes, text: str, searched: Sequence[str]) -> None:
        self._fields = fields
        self._searched = frozenset(map(_normal, searched))
        self._texts = self._searched | {_normal(text)}
        self._typed = frozenset(_WORD.findall(" ".join(self._texts)))

    def conditions(self, query: Any) -> list[Clause]:
        """Conditions that every hit of a clause that scores satisfies."""
        kind, content = _read(query)
        if kind in _WRAPPERS:
            return self.conditions(content.get(_WRAPPERS[kind]))
        match kind:
            case "bool":
                return self._of_bool(content, self.conditions)
            case "dis_max":
                return _at_least(1, map(self.conditions, _clauses(content.get("queries"))))
            case "nested":
                return self._of_nested(content, self.conditions)
        return [query] if self._is_condition(kind, content) else []

    def _declared(self, query: Any) -> list[Clause]:
        """Conditions in a clause of a `filter`: itself, unless it searches for a searched text."""
        if not self._mentions(query):
            return [_without_inner_hits(query)]
        kind, content = _read(query)
        if kind in _WRAPPERS:
            return self._declared(content.get(_WRAPPERS[kind]))
        match kind:
            case "bool":
                return self._of_bool(content, self._declared)
            case "dis_max":
                return _at_least(1, map(self._declared, _clauses(content.get("queries"))))
            case "nested":
                return self._of_nested(content, self._declared)
        # What a shopper typed may also be a value that was chosen.
        searches = kind in _FULL_TEXT and not self._is_exact(kind, content)
        return [] if searches else [_without_inner_hits(query)]

    def _of_bool(
        self, content: Mapping[str, Any], read: Callable[[Any], list[Clause]]
    ) -> list[Clause]:
        """Conditions of a `bool`.

        Args:
            read: Reads its clauses of `must` and `should`.
        """
        must, filters = _clauses(content.get("must")), _clauses(content.get("filter"))
        should = _clauses(content.get("should"))
        found = [condition for clause in filters for condition in self._declared(clause)]
        excluded = [_without_inner_hits(clause) for clause in _clauses(content.get("must_not"))]
        if excluded:
            found.append({"bool": {"must_not": excluded}})
        found += [condition for clause in must for condition in read(clause)]
        least = least_matches(len(should), content.get("minimum_should_match"))
        if should and not (must or filters):
            least = max(least, 1)
        return found + _at_least(least, map(read, should))

    def _of_nested(
        self, content: Mapping[str, Any], read: Callable[[Any], list[Clause]]
    ) -> list[Clause]:
        """Conditions of one nested document stay together."""
        inside = read(content.get("query"))
        if not inside:
            return []
        kept = {k: v for k, v in content.items() if k in ("path", "ignore_unmapped")}
        return [{"nested": {**kept, "query": _all_of(inside)}}]

    def _is_condition(self, kind: str, content: Mapping[str, Any]) -> bool:
        """Whether a leaf that scores is a condition."""
        if kind in _CONSTANT:
            return True
        if kind in _VALUES:
            return not any(map(self._fields.is_text, _fields(kind, content)))
        if kind not in _WORDS | _PATTERNS or not self._is_exact(kind, content):
            return False
        values = [_normal(value) for value in _strings(content)]
        if kind in _WORDS:
            return not self._texts & set(values) and not _is_fuzzy(content)
        return not any(self._is_typed(value) for value in values)

    def _is_exact(self, kind: str, content: Mapping[str, Any]) -> bool:
        """Whether a leaf searches exact fields only."""
        fields = _fields(kind, content)
        return bool(fields) and all(map(self._fields.is_exact, fields))

    def _is_typed(self, pattern: str) -> bool:
        """Whether a pattern is the shopper's text or words of it."""
        words = _WORD.findall(pattern)
        return bool(words) and self._typed.issuperset(words)

    def _mentions(self, query: Any) -> bool:
        return bool(self._searched) and any(_normal(s) in self._searched for s in _strings(query))


def _at_least(least: int, branches: Iterable[list[Clause]]) -> list[Clause]:
    """The condition of clauses of which so many must match.

    A clause without conditions may always be one of them.

    Args:
        branches: The conditions of each clause.
    """
    listed = list(branches)
    bound = [_all_of(conditions) for conditions in listed if conditions]
    least -= len(listed) - len(bound)
    if least <= 0:
        return []
    if least == 1:
        bound = [each for place, each in enumerate(bound) if each not in bound[:place]]
    if least > len(bound):  # more than there are
        return [{"match_none": {}}]
    if least == len(bound):
        return bound
    return [{"bool": {"should": bound, "minimum_should_match": least}}]


def _all_of(conditions: list[Clause]) -> Clause:
    return conditions[0] if len(conditions) == 1 else {"bool": {"filter": conditions}}


def _read(query: Any) -> tuple[str, Mapping[str, Any]]:
    """Kind and content of a query; empty if it is malformed."""
    if not isinstance(query, Mapping) or not query:
        return "", {}
    kind, content = next(iter(query.items()))
    return (kind, content) if isinstance(content, Mapping) else ("", {})


def _clauses(value: Any) -> list[Mapping[str, Any]]:
    listed = value if isinstance(value, list | tuple) else [value]
    return [each for each in listed if isinstance(each, Mapping) and each]


def _fields(kind: str, content: Mapping[str, Any]) -> list[str]:
    """The fields that a leaf searches; none if it leaves the choice to the index."""
    if kind in _OF_FIELDS:
        given = content.get("fields") or []
        named = [given] if isinstance(given, str) else given
        return [str(name).partition("^")[0] for name in named]
    return [name for name in content if name not in _OPTIONS][:1]


def _is_fuzzy(content: Mapping[str, Any]) -> bool:
    """Whether a query for words also matches others."""
    options = [content, *(value for value in content.values() if isinstance(value, Mapping))]
    return any("fuzziness" in each or each.get("type") in _PARTIAL for each in options)


def _strings(value: Any) -> Iterator[str]:
    """All strings and numbers inside JSON, apart from the names of fields."""
    if isinstance(value, str | int | float):
        yield str(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)


def _normal(text: str) -> str:
    return clean_query(text).casefold()


def _without_inner_hits(value: Any) -> Any:
    """A copy that asks for no inner hits, which the lexical leaf already does under that name."""
    if isinstance(value, Mapping):
        return {k: _without_inner_hits(v) for k, v in value.items() if k != "inner_hits"}
    return [_without_inner_hits(each) for each in value] if isinstance(value, list) else value
