"""Paths of texts in a search body."""

from __future__ import annotations

import time
from typing import Any

import pytest

from es_hybrid.serve.rewriting.paths import TextPath

MULTI: dict[str, Any] = {"multi_match": {"query": "red mug", "fields": ["title"]}}
MATCH: dict[str, Any] = {"match": {"title": {"query": "red mug", "boost": 2}}}


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("query.bool.must[*].multi_match.query", {"bool": {"must": [MULTI]}}, "multi_match"),
        # Elasticsearch takes one clause for a list of one, and so does a path.
        ("query.bool.must[*].multi_match.query", {"bool": {"must": MULTI}}, "multi_match"),
        ("query.bool.must.multi_match.query", {"bool": {"must": [MULTI]}}, "multi_match"),
        ("query.bool.must[*].match.*", {"bool": {"must": [MATCH]}}, "match"),
        ("query.match.*", {"match": {"title": "red mug"}}, "match"),
        ("query.match.title", {"match": {"title": "red mug"}}, "title"),
        ("query.wildcard.*", {"wildcard": {"sku": {"value": "red mug"}}}, "wildcard"),
        ("query.**.match.*", MATCH, "match"),
        ("query.**.match.*", {"bool": {"must": {"dis_max": {"queries": [MATCH]}}}}, "match"),
        ("query.**.must.**.match.*", {"bool": {"must": {"bool": {"must": [MATCH]}}}}, "match"),
    ],
)
def test_a_path_leads_to_a_text(path: str, query: Any, expected: str) -> None:
    assert list(TextPath(path).texts({"query": query})) == [(expected, "red mug", False)]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("query.bool.must[*].multi_match.query", MULTI),
        ("query.bool.must[*].multi_match.query", {"bool": {"filter": [MULTI]}}),
        ("query.match.*", {"match": {"title": {"operator": "and"}}}),
        ("query.match.*", {"match": {"stock": 3}}),
        ("query.**.match.*", {"match_all": {}}),
        ("query.match.*", None),
        ("query.match.*", []),
    ],
)
def test_no_text(path: str, query: Any) -> None:
    assert list(TextPath(path).texts({"query": query})) == []


def test_several_texts_are_in_the_order_of_the_body() -> None:
    clauses = [{"match": {"title": "b"}}, {"bool": {"should": [{"match": {"title": "a"}}]}}]
    query = {"bool": {"should": [*clauses, {"match": {"x": "c", "y": "d"}}]}}
    texts = [found.text for found in TextPath("query.**.match.*").texts({"query": query})]
    assert texts == ["b", "a", "c", "d"]


def test_a_deep_body_is_walked_once() -> None:
    query: dict[str, Any] = MATCH
    for _ in range(90):
        query = {"bool": {"must": [query, *[{"bool": {"must": []}}] * 100]}}
    started = time.perf_counter()
    assert len(list(TextPath("query.**.must.**.must.**.match.*").texts({"query": query}))) == 1
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("path", "signs"),
    [
        (
            "query.bool.must[*].multi_match.query",
            (b'"multi_match"', b'"must"', b'"bool"', b'"query"'),
        ),
        ("query.**.match.*", (b'"match"', b'"query"')),
        ("**", ()),
    ],
)
def test_the_signs_of_a_path_are_its_names(path: str, signs: tuple[bytes, ...]) -> None:
    assert TextPath(path).signs == signs
