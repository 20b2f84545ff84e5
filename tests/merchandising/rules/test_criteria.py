"""Criteria mean what they mean in Elasticsearch.

`ELASTICSEARCH` starts with the cases of its `QueryRuleCriteriaTests`; `SIMILAR` was computed by the
class of Lucene 10.5.
"""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.merchandising.rules.criteria import (
    CriterionType,
    is_similar,
    matches,
    number_of,
    text_of,
)

_ELASTIC_AND_KIBANA = ["elastic", "kibana"]
_SEARCH_AND_LUCENE = ["search", "lucene"]

ELASTICSEARCH: list[Any] = [
    ("exact", ["elastic"], "elastic", True),
    ("exact", ["elastic"], "elasticc", False),
    ("exact", ["12345"], 12345, True),
    ("exact", ["12345"], "12345", True),
    ("exact", ["12345"], "123456", False),
    ("fuzzy", ["elastic"], "elastic", True),
    ("fuzzy", ["elastic"], "elasticc", True),
    ("fuzzy", ["elastic"], "elastic elastic elastic elastic", False),
    ("prefix", _ELASTIC_AND_KIBANA, "elastic", True),
    ("prefix", _ELASTIC_AND_KIBANA, "kibana", True),
    ("prefix", _ELASTIC_AND_KIBANA, "elastic is a great search engine", True),
    ("prefix", _ELASTIC_AND_KIBANA, "kibana is a great visualization tool", True),
    ("prefix", _ELASTIC_AND_KIBANA, "you know, for search - elastic, kibana", False),
    ("suffix", _SEARCH_AND_LUCENE, "search", True),
    ("suffix", _SEARCH_AND_LUCENE, "lucene", True),
    ("suffix", _SEARCH_AND_LUCENE, "you know, for search", True),
    ("suffix", _SEARCH_AND_LUCENE, "elasticsearch is built on top of lucene", True),
    ("suffix", _SEARCH_AND_LUCENE, "search is a good use case for elastic", False),
    ("suffix", _SEARCH_AND_LUCENE, "lucene and elastic are open source", False),
    ("contains", ["elastic"], "elastic", True),
    ("contains", ["elastic"], "I use elastic for search", True),
    ("contains", ["elastic"], "you know, for search", False),
    *(("lt", ["10"], age, age < 10) for age in (5, 10, 20)),
    *(("lte", ["10"], age, age <= 10) for age in (5, 10, 20)),
    *(("gt", ["10"], age, age > 10) for age in (5, 10, 20)),
    *(("gte", ["10"], age, age >= 10) for age in (5, 10, 20)),
    ("always", [], "elastic", True),
    ("always", [], 42, True),
    # Invalid input; in a search it does not match.
    *((kind, ["bar"], 42, False) for kind in ("fuzzy", "prefix", "suffix", "contains")),
    *((kind, [42], "puggles", False) for kind in ("lt", "lte", "gt", "gte")),
    # What its code says beyond that.
    ("exact", ["Elastic"], "elastic", False),
    ("exact", ["true"], True, False),
    ("exact", ["a"], ["a"], False),
    ("exact", [42], "42.0", True),
    ("exact", ["42"], 42.0, False),
    ("gt", ["10"], "11", True),
    ("gt", ["x", "10"], 11, True),
    ("contains", ["a"], None, False),
    ("gt", ["10"], 10**400, True),
]


@pytest.mark.parametrize(("kind", "values", "fact", "met"), ELASTICSEARCH)
def test_elasticsearch_decides_the_same(
    kind: CriterionType, values: list[str | float], fact: Any, met: bool
) -> None:
    assert matches(kind, values, fact) is met


SIMILAR = [
    ("elastic", "elasticc", True),
    ("ab", "ax", False),
    ("abcd", "axxd", False),
    ("abc", "abx", True),
    ("abcde", "abxxe", True),
    ("", "", True),
    ("a", "", False),
    ("😀a", "😀b", True),
    ("😀", "😁", False),
    ("a😀", "b😀", True),
    ("iphone 15 case", "iphnoe 15 cases", True),
]
# What Java 17's `Double.parseDouble` and `Double.toString` make of them.
READ = [
    (" 1 ", "1.0"),
    ("1e5", "100000.0"),
    ("1_000", None),
    ("1d", "1.0"),
    ("2F", "2.0"),
    ("NaN", "NaN"),
    ("nan", None),
    ("Infinity", "Infinity"),
    ("inf", None),
    ("1.", "1.0"),
    (".5", "0.5"),
    ("", None),
    ("１", None),
    ("+3", "3.0"),
    ("d", None),
    ("1dd", None),
]
WRITTEN = [
    (0.0, "0.0"),
    (1.0, "1.0"),
    (12345.0, "12345.0"),
    (10000000.0, "1.0E7"),
    (12345678.9, "1.23456789E7"),
    (0.001, "0.001"),
    (0.0001, "1.0E-4"),
    (1.5e-05, "1.5E-5"),
    (1e21, "1.0E21"),
    (123456.789, "123456.789"),
    (-20000000000.0, "-2.0E10"),
    (1e-07, "1.0E-7"),
]


@pytest.mark.parametrize(("one", "two", "similar"), SIMILAR)
def test_similar_is_less_than_half_of_the_units_of_the_longer_text(
    one: str, two: str, similar: bool
) -> None:
    assert is_similar(one, two) is similar
    assert is_similar(two, one) is similar


@pytest.mark.parametrize(("text", "read"), READ)
def test_numbers_are_read_as_by_java(text: str, read: str | None) -> None:
    number = number_of(text)
    assert (None if number is None else text_of(number)) == read


@pytest.mark.parametrize(("number", "written"), WRITTEN)
def test_numbers_are_written_as_by_java(number: float, written: str) -> None:
    assert text_of(number) == written
