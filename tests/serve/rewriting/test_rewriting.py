"""What Elasticsearch receives of searches that rules look at, and what a failure leaves of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.live import JSON, LINES, msearch_lines
from tests.serve.running import Got, ask, serving

RULES = [
    {"form": "magento", "index": "magento*"},
    {"name": "shop", "index": "shop*", "text": ["query.bool.must[*].multi_match.query"]},
    {"form": "saleor", "index": "none", "share": 0},
]
FITTING = b'{ "query":{"bool":{"must":[{"multi_match":{"query":"red  mug"}}]}} ,"size":3}'
MAPPING = {"shop": {"mappings": {"properties": {"title": {"type": "text"}}}}}


def _upstream(seen: Request) -> Answer:
    if "_mapping" in seen.target:
        return json_answer(200, MAPPING)
    if "_msearch" in seen.target:
        return json_answer(503, {"error": {"type": "x", "reason": "busy"}, "status": 503})
    return json_answer(200, {"hits": {"hits": []}})


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    off = {"enabled": False}
    with HttpServer(_upstream) as upstream:
        rules = {"rewrite": RULES}
        with serving(upstream.url, embedder=FakeEmbedder(), serve=rules, rerank=off) as url:
            yield upstream, url


@pytest.fixture(autouse=True)
def _scripted(upstream: HttpServer) -> None:
    upstream.script = _upstream


def post(url: str, target: str, body: bytes, **headers: str) -> Got:
    return ask(url, target, method="POST", body=body, headers={**JSON, **headers})


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/shop/_search", b'{ "query" : {"match_all":{}}}'),
        ("/shop/_search", b'{"query":{"bool":{"must":[{"multi_match":{"query":" "}}]}}}'),
        ("/shop/_search", b'{"query":{"multi_match":{"query":"bool must"}}}'),
        ("/shop/_search?scroll=1m", b'{"query":{"match_all":{}}}'),
        ("/other/_search", FITTING),
        ("/magento_1/_search", FITTING),
        ("/none/_search", FITTING),
        ("/shop/_search", FITTING[:-1] + b',"search_after":[1]}'),
        ("/shop/_search", FITTING[:-1]),  # not JSON
        ("/shop/_count", FITTING),
    ],
)
def test_other_searches_pass_through_byte_for_byte(
    upstream: HttpServer, url: str, target: str, body: bytes
) -> None:
    got = post(url, target, body)
    assert got.headers["X-Es-Hybrid"] is None
    (seen,) = upstream.seen
    assert (seen.target, seen.body) == (target, body)


def test_a_search_that_cannot_be_hybrid_is_sent_as_it_was(upstream: HttpServer, url: str) -> None:
    got = post(url, "/shop/_search", FITTING)
    assert got.status == 200
    asked = [seen.target for seen in upstream.seen if "es-hybrid-rules" not in seen.target]
    assert asked == ["/shop/_mapping", "/shop/_search"]
    assert upstream.seen[-1].body == FITTING
    upstream.seen.clear()
    assert post(url, "/shop/_search?scroll=1m", FITTING).status == 200
    assert upstream.seen[-1].body == FITTING


def test_of_many_searches_each_fails_by_itself(upstream: HttpServer, url: str) -> None:
    body: dict[str, Any] = {"query": {"bool": {"must": {"multi_match": {"query": "red mug"}}}}}
    lines = msearch_lines({}, body, {}, body)
    got = ask(url, "/shop/_msearch", method="POST", body=lines, headers=LINES)
    assert [each["error"]["reason"] for each in got.json()["responses"]] == ["busy", "busy"]


def test_a_deep_search_is_left_to_elasticsearch(upstream: HttpServer, url: str) -> None:
    deep = b'{"bool":{"must":' * 200 + b'{"multi_match":{"query":"x"}}' + b"}}" * 200
    body = b'{"query":' + deep + b"}"
    assert post(url, "/shop/_search", body).status == 200
    assert upstream.seen[-1].body == body
