"""Whose query rules they are: a licensed cluster's pass through, any other's are kept here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.query_rules import API, INDEX
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.live import JSON, LINES, ids, msearch_lines, search
from tests.serve.running import ask, serving

PROBE = ("GET", f"{API}?size=0")
RULE = {
    "rule_id": "1",
    "type": "pinned",
    "criteria": [{"type": "always"}],
    "actions": {"ids": ["3"]},
}
QUERY = {
    "rule": {"organic": {"match_all": {}}, "match_criteria": {"a": 1}, "ruleset_ids": ["shop"]}
}
LICENSE = (
    "Current license is non-compliant for Query Rules. Current license is active basic license. "
    "Query Rules requires an active trial or enterprise license."
)
UNAUTHORIZED = (
    "action [cluster:admin/xpack/query_rules/list] is unauthorized for user [shop] with effective "
    "roles [reader], this action is granted by the cluster privileges [manage_search_query_rules]"
)


def error(status: int, reason: str, kind: str = "security_exception") -> Answer:
    cause = {"type": kind, "reason": reason}
    return json_answer(status, {"error": {"root_cause": [cause], **cause}, "status": status})


class Licensed:
    """A cluster with query rules: it answers what it is sent, as nothing else would."""

    def __init__(self, probe: Answer | None = None) -> None:
        self._probe = probe or json_answer(200, {"count": 0, "results": []})

    def __call__(self, request: Request) -> Answer:
        if (request.method, request.target) == PROBE:
            return self._probe
        if request.path.endswith("_msearch"):
            found = {"hits": {"hits": []}, "status": 200}
            return json_answer(200, {"took": 1, "responses": [found] * 2})
        return Answer(200, b'{ "sent" :"back" }', {**JSON, "X-From": "cluster"})


@pytest.fixture
def licensed() -> Iterator[tuple[HttpServer, str]]:
    with HttpServer(Licensed()) as server, serving(server.url, embedder=FakeEmbedder()) as url:
        yield server, url


BODY = b'{ "rules" : [ ] , "x":1.00 }'


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", API, None),
        ("GET", f"{API}?from=1&size=2&pretty", None),
        ("PUT", f"{API}/a%2Fb", BODY),
        ("GET", f"{API}/a%2Fb?human", None),
        ("DELETE", f"{API}/a", None),
        ("PUT", f"{API}/a/_rule/b", BODY),
        ("GET", f"{API}/a/_rule/b", None),
        ("DELETE", f"{API}/a/_rule/b", None),
        ("POST", f"{API}/a/_test", BODY),
    ],
)
def test_a_cluster_with_query_rules_gets_every_request_as_it_was_sent(
    licensed: tuple[HttpServer, str], method: str, target: str, body: bytes | None
) -> None:
    server, url = licensed
    headers = {"Authorization": "ApiKey mine", **(JSON if body else {})}
    for before in (1, 0):  # it is asked once
        del server.seen[:]
        got = ask(url, target, method=method, body=body, headers=headers)
        assert (got.status, got.body, got.headers["X-From"]) == (
            200, b'{ "sent" :"back" }', "cluster",
        )  # fmt: skip
        *probes, seen = server.seen
        assert [(probe.method, probe.target) for probe in probes] == [PROBE] * before
        assert (seen.method, seen.target, seen.body) == (method, target, body or b"")
        assert all(each.header("Authorization") == "ApiKey mine" for each in server.seen)


@pytest.mark.parametrize(
    "query",
    [
        {"query": QUERY},
        {"query": {"bool": {"filter": [{"rule_query": QUERY["rule"]}]}}},
        {"retriever": {"rule": {**QUERY["rule"], "retriever": {"standard": {}}}}},
    ],
)
@pytest.mark.parametrize("endpoint", ["_search", "_async_search"])
def test_and_every_search_with_them(
    licensed: tuple[HttpServer, str], endpoint: str, query: Any
) -> None:
    server, url = licensed
    body = json.dumps(query, indent=3).encode()
    target = f"/products/{endpoint}?scroll=1m&unknown"
    got = ask(url, target, method="POST", body=body, headers=JSON)
    assert got.body == b'{ "sent" :"back" }'
    assert [(seen.method, seen.target) for seen in server.seen] == [PROBE, ("POST", target)]
    assert server.seen[-1].body == body


def test_of_many_searches_too(licensed: tuple[HttpServer, str]) -> None:
    server, url = licensed
    lines = msearch_lines({}, {"query": QUERY}, {"index": "b"}, {"query": {"match_all": {}}})
    got = ask(url, "/a/_msearch", method="POST", body=lines, headers=LINES)
    assert got.status == 200
    assert server.seen[-1].body == lines
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("probe", "asked"),
    [
        (error(403, UNAUTHORIZED), 1),
        (error(401, "missing authentication credentials"), 2),
        (error(503, "no master", "master_not_discovered_exception"), 2),
    ],
)
def test_whoever_may_not_ask_is_told_so_by_the_cluster(probe: Answer, asked: int) -> None:
    with (
        HttpServer(Licensed(probe)) as server,
        serving(server.url, embedder=FakeEmbedder()) as url,
    ):
        for _ in range(2):
            assert ask(url, f"{API}/a").body == b'{ "sent" :"back" }'
        probes = [seen for seen in server.seen if (seen.method, seen.target) == PROBE]
        assert len(probes) == asked


@pytest.mark.parametrize(
    "refusal",
    [
        error(403, LICENSE),
        error(
            400,
            "Invalid index name [_query_rules], must not start with '_', '-', or '+'",
            "invalid_index_name_exception",
        ),
        error(403, "action [indices:admin/get] is unauthorized for user [shop]"),
        json_answer(405, {"error": "Incorrect HTTP method for uri [/_query_rules]"}),
    ],
)
def test_a_cluster_without_them_never_gets_one(
    node: EmbeddedNode, es: Elasticsearch, products: str, refusal: Answer
) -> None:
    def without(target: str, body: bytes, forward: Forward) -> Answer | None:
        if target.startswith(API):
            return refusal
        assert b"ruleset_ids" not in body, "the cluster cannot run this"
        return None

    with (
        FaultyProxy(node.url, without) as proxy,
        serving(proxy.url, embedder=FakeEmbedder()) as url,
    ):
        put = ask(url, f"{API}/shop", method="PUT", body={"rules": [RULE]})
        assert (put.status, put.json()) == (201, {"result": "created"})
        for body in (
            {"query": QUERY},
            {"retriever": {"rule": {
                "match_criteria": {"a": 1}, "ruleset_ids": "shop",
                "retriever": {"standard": {"query": {"match": {"title": "red"}}}}}}},
        ):  # fmt: skip
            assert ids(search(url, products, body).json()) == ["3", "1", "2"]
        assert ask(url, f"{API}/shop", method="DELETE").json() == {"acknowledged": True}
        assert sum(seen.target.startswith(API) for seen in proxy.seen) == 1
    es.indices.delete(index=INDEX)


def test_the_rights_of_the_caller_decide(node: EmbeddedNode) -> None:
    def forbidding(target: str, body: bytes, forward: Forward) -> Answer | None:
        if INDEX in target or target == f"/{INDEX}":
            return error(403, f"action [indices:data/write/index] is unauthorized on [{INDEX}]")
        return None

    with (
        FaultyProxy(node.url, forbidding) as proxy,
        serving(proxy.url, embedder=FakeEmbedder()) as url,
    ):
        one, rule = f"{API}/shop", f"{API}/shop/_rule/1"
        facts = {"match_criteria": {"a": 1}}
        for method, target, body in (
            ("PUT", one, {"rules": [RULE]}), ("GET", one, None), ("DELETE", one, None),
            ("PUT", rule, RULE), ("GET", rule, None), ("DELETE", rule, None),
            ("POST", f"{one}/_test", facts), ("GET", API, None),
        ):  # fmt: skip
            got = ask(url, target, method=method, body=body, headers={"Authorization": "Basic x"})
            assert (got.status, got.json()["error"]["type"]) == (403, "security_exception")
        sent = [seen for seen in proxy.seen if seen.target != PROBE[1]]
        assert {seen.header("Authorization") for seen in sent} == {"Basic x"}
