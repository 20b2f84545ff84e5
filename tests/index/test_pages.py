from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders
from elastic_transport._node import NodeApiResponse
from elasticsearch import ApiError, Elasticsearch

from es_hybrid.errors import PointInTimeLost
from es_hybrid.index.pages import read_hits

HEADERS = {"content-type": "application/json", "x-elastic-product": "Elasticsearch"}
Searched = Callable[[dict[str, Any], str], tuple[int, dict[str, Any]]]


def cluster(searched: Searched) -> tuple[Elasticsearch, list[str]]:
    """A client of a cluster that answers searches by `searched`, and the requests it sent."""
    sent: list[str] = []

    class Node(BaseNode):
        def perform_request(
            self,
            method: str,
            target: str,
            body: bytes | None = None,
            headers: HttpHeaders | None = None,
            request_timeout: Any = None,
        ) -> NodeApiResponse:
            sent.append(f"{method} {target.partition('?')[0]}")
            answer: tuple[int, dict[str, Any]] = (200, {"id": "pit 0"})
            if "/_search" in target:
                answer = searched(json.loads(body or b""), target)
            meta = ApiResponseMeta(answer[0], "1.1", HttpHeaders(HEADERS), 0.0, self.config)
            return NodeApiResponse(meta, json.dumps(answer[1]).encode())

        def close(self) -> None:
            """Nothing is open."""

    return Elasticsearch("http://fake:9200", node_class=Node, max_retries=0), sent


def page(number: int, *ids: str) -> tuple[int, dict[str, Any]]:
    hits = [{"_id": id_, "sort": [id_]} for id_ in ids]
    return 200, {"pit_id": f"pit {number}", "hits": {"hits": hits}}


def test_every_hit_once_and_the_point_in_time_is_released() -> None:
    bodies: list[dict[str, Any]] = []
    pages = iter([page(1, "a", "b"), page(2, "c"), page(3)])

    def searched(body: dict[str, Any], _target: str) -> tuple[int, dict[str, Any]]:
        bodies.append(body)
        return next(pages)

    client, sent = cluster(searched)
    found = read_hits(client, "shop", size=2, keep_alive="9m", query={"match_all": {}})
    assert [hit["_id"] for hit in found] == ["a", "b", "c"]
    assert sent == ["POST /shop/_pit", *["POST /_search"] * 3, "DELETE /_pit"]
    assert [body["pit"]["id"] for body in bodies] == ["pit 0", "pit 1", "pit 2"]
    assert [body.get("search_after") for body in bodies] == [None, ["b"], ["c"]]
    assert {body["pit"]["keep_alive"] for body in bodies} == {"9m"}
    assert {json.dumps(body["query"]) for body in bodies} == {'{"match_all": {}}'}


def test_a_lost_shard_is_an_error_and_its_hits_do_not_seem_absent() -> None:
    def searched(_body: dict[str, Any], target: str) -> tuple[int, dict[str, Any]]:
        # Elasticsearch answers with the hits of the other shards unless the client forbids it.
        if "allow_partial_search_results=false" not in target:
            return page(1)
        cause = {"type": "search_phase_execution_exception", "reason": "Partial shards failure"}
        return 503, {"error": {"root_cause": [], **cause}, "status": 503}

    client, sent = cluster(searched)
    with pytest.raises(ApiError, match="search_phase_execution_exception"):
        list(read_hits(client, "shop", size=2))
    assert sent[-1] == "DELETE /_pit"


def test_a_lost_point_in_time() -> None:
    def searched(_body: dict[str, Any], _target: str) -> tuple[int, dict[str, Any]]:
        error = {"type": "search_context_missing_exception", "reason": "No search context found"}
        return 404, {"error": {"root_cause": [error], **error}, "status": 404}

    client, _ = cluster(searched)
    with pytest.raises(PointInTimeLost, match="one page took longer than 9m"):
        list(read_hits(client, "shop", size=2, keep_alive="9m"))


def test_every_request_is_sent_by_ask_and_close_replaces_the_release() -> None:
    asked: list[Any] = []
    closed: list[str] = []

    def ask(request: Callable[[], Any]) -> Any:
        asked.append(request())
        return asked[-1]

    client, sent = cluster(lambda _body, _target: page(1))
    assert list(read_hits(client, "shop", size=2, ask=ask, close=closed.append)) == []
    assert len(asked) == 2
    assert closed == ["pit 0"]
    assert "DELETE /_pit" not in sent
