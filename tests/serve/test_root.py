"""`GET /` and `HEAD /`, of a node that knows them and of one that does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.running import ask, serving

INFO = {"name": "theirs", "version": {"number": "9.5.3"}, "tagline": "You Know, for Search"}
NODE = {"cluster_name": "c", "nodes": {"id": {"name": "n", "version": "9.6.0-SNAPSHOT"}}}
REFUSED = {"error": "no", "status": 403}


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    with HttpServer() as fake, serving(fake.url, embedder=FakeEmbedder()) as url:
        yield fake, url


def test_the_official_client_begins_on_the_embedded_node(node: EmbeddedNode, served: str) -> None:
    direct = ask(node.url, "/_nodes/_local").json()
    (local,) = direct["nodes"].values()
    with Elasticsearch(served, max_retries=0) as client:
        assert client.ping()
        info = client.info()
    assert info["version"]["number"] == local["version"]
    assert info["version"]["build_hash"] == local["build_hash"]
    assert (info["name"], info["cluster_name"]) == (local["name"], direct["cluster_name"])
    assert len(info["cluster_uuid"]) == 22
    assert info["tagline"] == "You Know, for Search"


def test_the_head_is_that_of_the_answer(served: str) -> None:
    whole, head = ask(served, "/"), ask(served, "/", method="HEAD")
    assert (whole.status, head.status, head.body) == (200, 200, b"")
    for name in ("content-length", "content-type", "x-elastic-product"):
        assert whole.headers[name] == head.headers[name]


@pytest.mark.parametrize("status", [200, 401, 403, 503])
def test_what_the_cluster_answers_is_passed_through(
    upstream: HttpServer, url: str, status: int
) -> None:
    upstream.script = lambda request: json_answer(status, INFO)
    got = ask(url, "/?pretty", headers={"Authorization": "ApiKey b3du"})
    assert (got.status, got.json()) == (status, INFO)
    assert [request.target for request in upstream.seen] == ["/?pretty"]
    assert upstream.seen[0].header("authorization") == "ApiKey b3du"


def _without_root(node: Answer, cluster: Answer) -> Any:
    def script(request: Request) -> Answer:
        if request.path == "/":
            return json_answer(405, {"error": "Incorrect HTTP method", "status": 405})
        return node if request.path.startswith("/_nodes") else cluster

    return script


def test_the_facts_are_asked_with_the_caller_s_credentials(upstream: HttpServer, url: str) -> None:
    upstream.script = _without_root(json_answer(200, NODE), json_answer(200, {"cluster_uuid": "u"}))
    got = ask(url, "/", headers={"Authorization": "ApiKey b3du", "X-Opaque-Id": "abc"})
    assert (got.status, got.headers["x-opaque-id"]) == (200, "abc")
    assert got.json() == {
        "name": "n",
        "cluster_name": "c",
        "cluster_uuid": "u",
        "version": {
            "number": "9.6.0-SNAPSHOT",
            "build_flavor": "unknown",
            "build_type": "unknown",
            "build_hash": "unknown",
            "build_date": "unknown",
            "build_snapshot": True,
            "lucene_version": "unknown",
            "minimum_wire_compatibility_version": "unknown",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    }
    assert {request.header("authorization") for request in upstream.seen} == {"ApiKey b3du"}


def test_facts_that_may_not_be_asked_are_left_open(upstream: HttpServer, url: str) -> None:
    upstream.script = _without_root(json_answer(200, NODE), json_answer(403, REFUSED))
    assert ask(url, "/").json()["cluster_uuid"] == "_na_"


@pytest.mark.parametrize("node", [json_answer(403, REFUSED), json_answer(200, {"nodes": {}})])
def test_a_caller_who_may_ask_nothing_gets_the_node_s_answer(
    upstream: HttpServer, url: str, node: Answer
) -> None:
    upstream.script = _without_root(node, json_answer(200, {}))
    got = ask(url, "/")
    assert (got.status, json.loads(got.body)["status"]) == (405, 405)


@pytest.mark.parametrize("method", ["DELETE", "POST", "OPTIONS"])
def test_other_methods_are_passed_through(upstream: HttpServer, url: str, method: str) -> None:
    upstream.script = lambda request: json_answer(405, {})
    assert ask(url, "/", method=method).status == 405
    assert len(upstream.seen) == 1
