"""Asynchronous searches that es-hybrid answers: found again, and by whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from es_hybrid.serve.search_api import async_searches
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.pauses import PATIENCE, wait_until
from tests.serve.live import RRF, ids, search
from tests.serve.running import Got, ask, serving

KNN = {
    "field": "v",
    "k": 1,
    "query_vector_builder": {"text_embedding": {"model_text": "x"}},
}
HIT = {"_index": "a", "_id": "1", "_score": 1.0}
FOUND = {
    "took": 1,
    "timed_out": False,
    "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
    "hits": {"total": {"value": 1, "relation": "eq"}, "max_score": 1.0, "hits": [HIT]},
}


class SlowElasticsearch(HttpServer):
    """Answers searches when it is released, and knows one caller."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.found: Any = FOUND
        self.status = 200

    def forget(self) -> None:
        super().forget()
        self.released.clear()
        self.found, self.status = FOUND, 200
        self.script = self._answer

    def _answer(self, seen: Request) -> Answer:
        if seen.path == "/":
            known = seen.header("Authorization") != "ApiKey revoked"
            return json_answer(200 if known else 401, {"error": {"type": "security_exception"}})
        if "_mapping" in seen.path:
            return json_answer(404, {"error": {"type": "index_not_found_exception"}})
        self.released.wait(PATIENCE)
        return json_answer(self.status, self.found)


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[SlowElasticsearch, str]]:
    with (
        SlowElasticsearch() as upstream,
        serving(upstream.url, embedder=FakeEmbedder()) as url,
    ):
        yield upstream, url


@pytest.fixture
def slow(stack: tuple[SlowElasticsearch, str]) -> Iterator[SlowElasticsearch]:
    stack[0].forget()
    yield stack[0]
    stack[0].released.set()


def _submit(url: str, query: str = "", body: Any = None, **headers: str) -> Got:
    return ask(
        url, f"/a/_async_search{query}", method="POST", body=body or {"knn": KNN}, headers=headers
    )


def _get(url: str, id_: str, query: str = "", method: str = "GET", **headers: str) -> Got:
    return ask(url, f"/_async_search/{id_}{query}", method=method, headers=headers)


def test_a_search_that_is_done_at_once_is_not_kept(served: str, products: str) -> None:
    target = f"/{products}/_async_search?wait_for_completion_timeout=60s"
    got = ask(served, target, method="POST", body={"retriever": RRF}).json()
    expected = search(served, products, {"retriever": RRF}).json()
    assert got["response"]["hits"] == expected["hits"]
    assert (got["is_running"], got["is_partial"], "id" in got) == (False, False, False)
    assert got["start_time_in_millis"] <= got["completion_time_in_millis"]


def test_a_kept_search_is_found_until_it_is_deleted(served: str, products: str) -> None:
    query = "?keep_on_completion=true&keep_alive=2m&wait_for_completion_timeout=60s"
    got = ask(
        served, f"/{products}/_async_search{query}", method="POST", body={"retriever": RRF}
    ).json()
    again = _get(served, got["id"]).json()
    assert again == got
    kept_for = got["expiration_time_in_millis"] - got["start_time_in_millis"]
    assert kept_for == pytest.approx(120_000, abs=5_000)
    status = _get(served, f"status/{got['id']}").json()
    assert status["completion_status"] == 200
    assert status["_shards"] == got["response"]["_shards"]
    assert "response" not in status
    kept = _get(served, got["id"], "?keep_alive=30m").json()
    assert kept["expiration_time_in_millis"] > got["expiration_time_in_millis"]
    assert _get(served, got["id"], method="DELETE").json() == {"acknowledged": True}
    gone = _get(served, got["id"])
    assert (gone.status, gone.json()["error"]["type"]) == (404, "resource_not_found_exception")


def test_a_slow_search_runs_on(slow: SlowElasticsearch, url: str) -> None:
    got = _submit(url, "?wait_for_completion_timeout=50ms").json()
    assert (got["is_running"], got["is_partial"]) == (True, True)
    assert ids(got["response"]) == []
    assert _get(url, got["id"]).json()["is_running"]
    assert "completion_status" not in _get(url, f"status/{got['id']}").json()
    slow.released.set()
    done = _get(url, got["id"], "?wait_for_completion_timeout=10s").json()
    assert (done["is_running"], done["is_partial"]) == (False, False)
    assert done["response"]["hits"] == FOUND["hits"]


def test_a_failure_is_found_later(slow: SlowElasticsearch, url: str) -> None:
    slow.status = 400
    slow.found = {"error": {"type": "parsing_exception", "reason": "no"}, "status": 400}
    got = _submit(url, "?wait_for_completion_timeout=0").json()
    slow.released.set()
    failed = _get(url, got["id"], "?wait_for_completion_timeout=10s")
    assert failed.status == 400
    assert failed.json()["error"]["reason"] == "no"
    assert (failed.json()["is_running"], failed.json()["is_partial"]) == (False, True)
    assert _get(url, f"status/{got['id']}").json()["completion_status"] == 400
    at_once = _submit(url, "?wait_for_completion_timeout=10s")
    assert (at_once.status, at_once.json()["error"]["reason"]) == (400, "no")


def test_only_the_caller_who_started_it_finds_a_search(slow: SlowElasticsearch, url: str) -> None:
    slow.released.set()
    mine = {"Authorization": "ApiKey mine"}
    id_ = _submit(url, "?keep_on_completion=true", **mine).json()["id"]
    for other in ({}, {"Authorization": "ApiKey other"}):
        for method in ("GET", "DELETE"):
            assert _get(url, id_, method=method, **other).status == 404
        assert _get(url, f"status/{id_}", **other).status == 404
    assert _get(url, id_, **mine, **{"User-Agent": "another"}).status == 200


def test_revoked_credentials_find_nothing(slow: SlowElasticsearch, url: str) -> None:
    slow.released.set()
    revoked = {"Authorization": "ApiKey revoked"}
    id_ = _submit(url, "?keep_on_completion=true", **revoked).json()["id"]
    assert _get(url, id_, **revoked).status == 401


def test_a_caller_without_rights_takes_no_place(slow: SlowElasticsearch, url: str) -> None:
    slow.status = 401
    slow.found = {"error": {"type": "security_exception", "reason": "no"}, "status": 401}
    slow.released.set()
    stranger = {"Authorization": "ApiKey stranger"}
    id_ = _submit(url, "?wait_for_completion_timeout=0", **stranger).json()["id"]
    wait_until(lambda: _get(url, id_, **stranger).status == 404)
    assert _submit(url, "?wait_for_completion_timeout=10s", **stranger).status == 401


def test_deleting_cancels(slow: SlowElasticsearch, url: str) -> None:
    id_ = _submit(url, "?wait_for_completion_timeout=0").json()["id"]
    wait_until(lambda: any(seen.path.endswith("_search") for seen in slow.seen))
    assert _get(url, id_, method="DELETE").status == 200
    assert _get(url, id_).status == 404


def test_ids_differ_and_those_of_elasticsearch_pass(slow: SlowElasticsearch, url: str) -> None:
    slow.released.set()
    first, second = (_submit(url, "?keep_on_completion=true").json()["id"] for _ in range(2))
    assert first != second
    assert len(first) > 40
    slow.seen.clear()
    slow.script = lambda seen: json_answer(200, {"theirs": True})
    for target in ("FmRlZmF1bHQ=", "status/FmRlZmF1bHQ="):
        assert _get(url, target).json() == {"theirs": True}
    assert _get(url, f"status/{first}", method="DELETE").json() == {"theirs": True}
    assert _get(url, first, method="PUT").json() == {"theirs": True}
    body: dict[str, Any] = {"query": {"match_all": {}}}
    assert _submit(url, "?anything=1", body).json() == {"theirs": True}
    assert [seen.target for seen in slow.seen] == [
        "/_async_search/FmRlZmF1bHQ=",
        "/_async_search/status/FmRlZmF1bHQ=",
        f"/_async_search/status/{first}",
        f"/_async_search/{first}",
        "/a/_async_search?anything=1",
    ]


def test_number_size_and_time_are_limited(
    slow: SlowElasticsearch, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.released.set()
    caller = {"Authorization": "ApiKey limited"}
    kept = "?keep_on_completion=true&keep_alive=5d&wait_for_completion_timeout=60s"
    monkeypatch.setattr(async_searches, "_EACH", 2)
    first = _submit(url, kept, **caller).json()
    assert first["expiration_time_in_millis"] - first["start_time_in_millis"] < 3_700_000
    monkeypatch.setattr(async_searches, "_LARGEST", 100)
    large = _submit(url, kept, **caller)
    assert (large.status, "larger than [100] bytes" in large.body.decode()) == (400, True)
    monkeypatch.undo()
    monkeypatch.setattr(async_searches, "_EACH", 2)
    assert _submit(url, kept, **caller).status == 200
    full = _submit(url, kept, **caller)
    assert (full.status, full.headers["Retry-After"]) == (429, "1")
    assert _get(url, first["id"], method="DELETE", **caller).status == 200
    monkeypatch.setattr(async_searches, "_LONGEST", 0.05)
    brief = _submit(url, kept, **caller).json()["id"]
    wait_until(lambda: _get(url, brief, **caller).status == 404)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("keep_alive=5", "failed to parse setting [keep_alive] with value [5] as a time value"),
        ("keep_alive=10ms", "[keep_alive] must be greater or equals than [1s], got:10ms"),
        ("wait_for_completion_timeout=x", "failed to parse setting [wait_for_completion_timeout]"),
        ("keep_on_completion=yes", "only [true] or [false] are allowed"),
        ("zzz=1", "unrecognized parameter: [zzz]"),
    ],
)
def test_wrong_parameters_are_refused(
    slow: SlowElasticsearch, url: str, query: str, reason: str
) -> None:
    got = _submit(url, f"?{query}")
    assert (got.status, reason in got.json()["error"]["reason"]) == (400, True)
    assert not slow.seen
