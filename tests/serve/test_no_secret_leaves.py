"""Servers that echo the keys they were sent, in every shape, and no door that passes them on."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from es_hybrid.errors import RerankError
from es_hybrid.node import EmbeddedNode
from es_hybrid.page.render import problem
from es_hybrid.page.words import WORDS
from es_hybrid.secrets import remember
from es_hybrid.serve.server import _JsonFormatter
from tests.fakes.echo import CANARIES, SHAPES, Echo, assert_no_key
from tests.fakes.http import HttpServer
from tests.serve.live import LEAF, LINES, PRODUCTS, msearch_lines
from tests.serve.running import Got, ask, serving

SERVE_KEY = "SERVE-CANARY-0123456789"
HYBRID: dict[str, Any] = {"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": "red"}}}
TREE: dict[str, Any] = {
    "retriever": {
        "text_similarity_reranker": {
            "retriever": LEAF, "field": "title", "inference_text": "red", "inference_id": "x",
        }
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def addresses(node: EmbeddedNode, echo: Echo) -> Iterator[dict[str, str]]:
    """Two servers: in front of the real node, and in front of an Elasticsearch that echoes."""
    with HttpServer(echo) as fake:
        sections: dict[str, Any] = {
            "embedding": {
                "base_url": f"{fake.url}/v1",
                "api_key": CANARIES["embedding"],
                "max_retries": 0,
            },
            "rerank": {"url": f"{fake.url}/v1/rerank", "api_key": CANARIES["rerank"]},
            "search": {"breaker_failures": 10**6},
            "serve": {"api_keys": [SERVE_KEY], "indices": [PRODUCTS]},
            "elasticsearch": {"api_key": CANARIES["elasticsearch"]},
        }
        with serving(node.url, **sections) as real, serving(fake.url, **sections) as broken:
            yield {"real": real, "broken": broken}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What `serve` would write to standard error, with every logger at DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def _doors(url: str, index: str) -> Iterator[tuple[str, Got]]:
    key = {"X-API-Key": SERVE_KEY}
    yield "search", ask(url, f"/{index}/_search", method="POST", body=HYBRID)
    yield "tree", ask(url, f"/{index}/_search", method="POST", body=TREE)
    lines = msearch_lines({"index": index}, HYBRID, {"index": index}, TREE)
    yield "msearch", ask(url, "/_msearch", method="POST", body=lines, headers=LINES)
    yield "query rules", ask(url, "/_query_rules/shop")
    shop = {"text": "red", "index": index}
    yield "/search", ask(url, "/search", method="POST", body=shop, headers=key)
    pair = {"query": "a", "documents": ["b"]}
    yield "/v1/rerank", ask(url, "/v1/rerank", method="POST", body=pair, headers=key)
    yield "/readyz", ask(url, "/readyz", headers=key)
    yield "/metrics", ask(url, "/metrics")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("server", ["real", "broken"])
def test_no_door_and_no_log_shows_a_key(
    addresses: dict[str, str],
    echo: Echo,
    products: str,
    log: io.StringIO,
    server: str,
    shape: str,
) -> None:
    echo.shape = SHAPES[shape]
    for door, got in _doors(addresses[server], products):
        _check(f"{got.headers}\n{got.body.decode('utf-8', 'replace')}", door)
    _check(log.getvalue(), "log")
    # What is no error message is not quoted at all.
    assert "***" in log.getvalue() or shape == "success", "nothing was echoed, so nothing is proved"


def test_the_page_shows_no_key() -> None:
    remember(CANARIES["rerank"])
    error = RerankError(f"answered 401: {CANARIES['rerank']}", place="http://u:p@host")
    shown = problem(WORDS["en"], error)
    assert "nswered 401: ***" in shown
    _check(shown, "page")


def _check(text: str, where: str) -> None:
    assert_no_key(text, where, serve=SERVE_KEY)


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[HttpServer, str]]:
    """An Elasticsearch that notes its requests, and the address of a server with keys before it."""
    with (
        HttpServer() as upstream,
        serving(
            upstream.url, serve={"api_keys": [SERVE_KEY]}, rerank={"enabled": False}
        ) as address,
    ):
        yield upstream, address


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": SERVE_KEY},
        {"Authorization": f"Bearer {SERVE_KEY}"},
        {"Authorization": f"bearer  {SERVE_KEY}"},
        {"Authorization": f"Basic {base64.b64encode(f'x:{SERVE_KEY}'.encode()).decode()}"},
    ],
)
@pytest.mark.parametrize("target", ["/some/_doc/1", "/_search", "/_search?q=a"])
def test_elasticsearch_never_gets_a_key_of_ours(
    guarded: tuple[HttpServer, str], headers: dict[str, str], target: str
) -> None:
    upstream, address = guarded
    before = len(upstream.seen)
    ask(address, target, headers=headers)
    ask(address, target, method="POST", body=HYBRID, headers=headers)
    ask(address, target, headers={"Authorization": "Bearer of-elasticsearch"})
    sent = [
        (request.header("Authorization"), request.header("X-API-Key"))
        for request in upstream.seen[before:]
    ]
    assert sent[-1] == ("Bearer of-elasticsearch", None), "other credentials are passed on"
    assert set(sent[:-1]) == {(None, None)}
