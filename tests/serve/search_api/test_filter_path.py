"""`filter_path`, compared with Elasticsearch's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from elasticsearch import Elasticsearch
from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.node import EmbeddedNode
from es_hybrid.serve.search_api import filter_path
from es_hybrid.serve.search_api.filter_path import filtered
from tests.serve.running import ask

DOCUMENTS: list[Any] = [
    {"a": {"b": [{"c": 1, "d": []}, {"e": {}}, 7, None], "x.y": 2, "": 3}, "b": {"a": {"c": 1}}},
    {"a": None, "c": [], "d": {"d": {"d": {"d": 1}}}, "e": {}, "*": 1, "a[b]": 2},
    {"a?": [[{"a": 1}]]},
]
TARGET = "/test-filter-path/_search?sort=n"
NAMES = [
    "hits", "total", "_source", "_id", "max_score", "a", "b", "c", "d", "e", "x\\.y", "", "a?",
    "a[b]", "*", "**", "***", "a*", "*a", "*_*", "h*t*s", "_s*e*", "?", "[ab]",
]  # fmt: skip


@pytest.fixture(scope="module")
def whole(es: Elasticsearch) -> Iterator[Any]:
    """A whole answer of the node."""
    index = "test-filter-path"
    es.indices.create(index=index, mappings={"enabled": False, "properties": {}})
    es.indices.put_mapping(index=index, properties={"n": {"type": "integer"}})
    for number, document in enumerate(DOCUMENTS):
        es.index(index=index, id=str(number), document={"n": number, "o": document})
    es.indices.refresh(index=index)
    yield json.loads(ask(str(es.transport.node_pool.get().base_url), TARGET).body)
    es.indices.delete(index=index)


def assert_same(node: EmbeddedNode, whole: Any, path: str) -> None:
    """Compares Elasticsearch's filtered answer with its whole answer, filtered here."""
    native = ask(node.url, f"{TARGET}&filter_path={quote(path)}").json()
    ours = filtered(whole, path.split(","))
    for answer in (native, ours):
        if isinstance(answer, dict):
            answer.pop("took", None)  # two searches, two values
    assert ours == native, path


@pytest.mark.parametrize(
    "path",
    [
        "took,hits.hits._id",
        "hits.max_score",
        "**.hits",  # not at the top: `**` is at least one name
        "hits.**.**.b",
        "hits.hits._source.o.a.b.d",
        "-hits.hits._source.o.a.b.c",
        "-hits.hits._source.o.a.b.d,-hits.hits._source.o.e.f",
        "hits.hits._source.o.*.*,-**.c",
        "hits.hits._source.o.a?",
        "hits.hits._source.o.a[b]",
        "hits.hits._source.o.a.x\\.y",
        "hits.hits._source.o.a.x.y",
        "hits.hits,hits.hits._id",
        "hits.,.hits,hits..hits",
        " hits.total ,,",
        "nothing",
        "-**",
    ],
)
def test_it_means_what_it_means_to_elasticsearch(node: EmbeddedNode, whole: Any, path: str) -> None:
    assert_same(node, whole, path)


PATHS = st.builds(
    lambda sign, names: sign + ".".join(names),
    st.sampled_from(["", "", "-"]),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=7),
)
LISTS = st.lists(PATHS, min_size=1, max_size=4).map(",".join)


@settings(max_examples=150, deadline=None)
@given(path=st.one_of(LISTS, LISTS.map(lambda path: "hits.hits._source.o." + path)))
def test_any_patterns_mean_what_they_mean_to_elasticsearch(
    node: EmbeddedNode, whole: Any, path: str
) -> None:
    assert_same(node, whole, path)


@pytest.mark.parametrize(
    "pattern", [["**"] * 60 + ["x"], ["**", "*"] * 30 + ["x"], ["**", "a"] * 30]
)
def test_the_work_grows_no_faster_than_patterns_and_answer(
    monkeypatch: pytest.MonkeyPatch, pattern: list[str]
) -> None:
    """Counts comparisons of names with globs; each way to match on its own would be 10^15."""
    compared = 0

    def matches(glob: str, name: str) -> bool:
        nonlocal compared
        compared += 1
        return original(glob, name)

    original = filter_path._matches
    monkeypatch.setattr(filter_path, "_matches", matches)
    answer: Any = {"x": 1}
    for _ in range(70):
        answer = {"a": answer, "b": 1}
    content = [answer] * 100
    filtered(content, [".".join(pattern)])
    distinct_paths = 2 * 70 + 1
    assert compared <= distinct_paths * len(pattern)


def test_a_name_is_compared_in_linear_time() -> None:
    """A regular expression would backtrack for hours."""
    assert filtered({"a" * 4000: 1}, ["*a" * 1000 + "b"]) == {}
    assert filtered({"a" * 4000 + "b": 1}, ["*a" * 1000 + "b"]) == {"a" * 4000 + "b": 1}
