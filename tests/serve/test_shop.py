"""`POST /search`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serve.running import ask


def test_a_shop_search(served: str, products: str) -> None:
    asked = {"text": "hat", "index": products, "facets": ["brand"], "filters": {"price": {"gt": 1}}}
    got = ask(served, "/search", method="POST", body=asked)
    answer = got.json()
    assert got.status == 200
    assert [hit["id"] for hit in answer["hits"]] == ["2", "3"]
    assert answer["facets"] == {"brand": {"a": 1, "b": 1}}
    assert answer["hits"][0]["stages"]["rerank"]["rank"] == 1
    assert answer["degraded"] == []


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"text": ""}, 400, "[text]"),
        ({"text": "a", "size": 0}, 400, "[size]"),
        ({"text": "a", "colour": 1}, 400, "[colour]: unknown field"),
        ({"text": "a", "filters": {"price": {"near": 1}}}, 400, "near"),
        ({"text": "a", "index": "no-such-index"}, 404, "no such index"),
        ({"text": "a", "page": 5000, "size": 1000}, 400, "out of range"),
    ],
)
def test_an_invalid_shop_search_is_refused_with_the_reason(
    served: str, products: str, body: dict[str, Any], status: int, words: str
) -> None:
    got = ask(served, "/search", method="POST", body={"index": products, **body})
    assert (got.status, got.json()["status"]) == (status, status)
    assert words in got.json()["error"]["reason"]
