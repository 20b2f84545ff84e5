"""The query string of a search."""

from __future__ import annotations

import pytest

from tests.serve.live import RRF, search


def test_parameters_of_the_query_string_override_the_body(served: str, products: str) -> None:
    query = "?size=1&from=1&_source_includes=title&track_total_hits=2&preference=_local"
    answer = search(served, products, {"retriever": RRF, "size": 3}, query).json()
    assert len(answer["hits"]["hits"]) == 1
    assert set(answer["hits"]["hits"][0]["_source"]) == {"title"}
    assert answer["hits"]["total"] == {"value": 2, "relation": "gte"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?nonsense=1", "contains unrecognized parameter: [nonsense]"),
        ("?size=a", "Failed to parse int parameter [size] with value [a]"),
        ("?explain=perhaps", "Failed to parse value [perhaps]"),
        ("?filter_path=" + "a," * 2049, "[filter_path] is longer than 4096 characters"),
        ("?scroll=1m", "cannot specify [rrf] and [scroll]"),
        ("?q=title:red", "cannot specify [retriever] and [query]"),
        ("?sort=price", "cannot specify [retriever] and [sort]"),
    ],
)
def test_unsupported_parameters_are_refused(
    served: str, products: str, query: str, words: str
) -> None:
    got = search(served, products, {"retriever": RRF}, query)
    assert got.status == got.json()["status"] == 400
    assert words in got.json()["error"]["reason"]
    assert got.headers["X-Elastic-Product"] == "Elasticsearch"


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=yaml", "*/*"), ("", "application/cbor"), ("?format=cbor", "")]
)
def test_another_format_than_json_is_refused(
    served: str, products: str, query: str, accept: str
) -> None:
    got = search(served, products, {"retriever": RRF}, query, Accept=accept)
    assert got.status == 406
