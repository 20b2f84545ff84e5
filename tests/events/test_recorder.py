"""Events of searches: through the library, sync and async, and through the server."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.events import recorder
from es_hybrid.events.recorder import Recorder, search_facts
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.search import AsyncHybridSearch, HybridSearch
from es_hybrid.secrets import keyed_hash
from es_hybrid.settings import ElasticsearchSettings, EventsSettings, Settings, load_settings
from tests.events.conftest import ROWS, OpenShop, Stream
from tests.fakes.http import dead_url
from tests.fakes.reranking import RerankServer
from tests.ingest.conftest import Shop
from tests.serve.running import ask, serving

KEY = "a key of 16 characters or more"


@pytest.fixture
def shop(stream: Stream, open_shop: OpenShop) -> Shop:
    """A shop of three products, loaded without events."""
    shop = stream.shop(open_shop)
    events = shop.settings.events
    shop.with_settings("events", enabled=False)
    shop.load(ROWS)
    shop.settings = shop.settings.model_copy(update={"events": events})
    return shop


def _search_of(event: dict[str, Any]) -> dict[str, Any]:
    search: dict[str, Any] = event["es_hybrid"]["search"]
    return search


def test_a_search_is_one_event_with_what_the_answer_says(shop: Shop, stream: Stream) -> None:
    shop.with_settings("events", query_text="plain")
    with HybridSearch.open(shop.settings) as search:
        answer = search.search("Red Kettle", filters={"brand": "Alba"}, context={"user": "Smith"})
        search.search_in_stages("not recorded")
        search.with_rule("no-such-rule", None).search("not recorded")
        search.retrieve({"standard": {"query": {"match_all": {}}}})
    (event,) = stream.events("search", 1)
    assert event["event"] == {
        "kind": "event", "category": "database", "type": "access", "dataset": "es_hybrid.search",
        "action": "search", "outcome": "success",
        "duration": pytest.approx(1e6 * answer.timings["total"], rel=0.01),
    }  # fmt: skip
    assert event["service"]["name"] == "es-hybrid"
    assert event["es_hybrid"]["index"] == shop.settings.index.name
    assert _search_of(event) == {
        "mode": "hybrid", "sample": 1.0, "query": "red kettle", "total": 2, "hits": 2,
        "corrected": False, "reranked": 0, "legs": {"bm25": 0, "knn": 0, "both": 2},
        "timings": dict(answer.timings),
    }  # fmt: skip
    assert not any(word in str(event) for word in ("Alba", "Smith"))


def test_what_was_corrected_degraded_reranked_and_not_found(shop: Shop, stream: Stream) -> None:
    with RerankServer() as server:
        shop.with_settings("rerank", enabled=True, url=server.url, canaries=False)
        with HybridSearch.open(shop.settings) as search:
            search.search("red kettel", size=1)
            search.search("nothing has this", mode="bm25", conditions=False)
            shop.server.fault = lambda request, number: _away()
            search.search("blue lamp")
    corrected, nothing, degraded = map(_search_of, stream.events("search", 3))
    # The reranker prefers short texts.
    assert corrected["corrected"]
    assert corrected["reranked"] == 3
    assert "rerank_lift" in corrected
    assert (nothing["zero_results"], nothing["total"], nothing["hits"]) == ("words", 0, 0)
    assert "legs" not in nothing
    assert degraded["degraded"] == ["embedding"]
    assert degraded["legs"] == {"bm25": 1, "knn": 0, "both": 0}


def _away() -> Any:
    from tests.fakes.http import json_answer

    return json_answer(503, {"error": "gone"})


def test_an_error_is_recorded_without_its_message(shop: Shop, stream: Stream) -> None:
    with HybridSearch.open(shop.settings) as search, pytest.raises(EsHybridError):
        search.search("kettle", filters={"price": {"gte": "my secret"}})
    (event,) = stream.events("search", 1)
    assert event["event"]["outcome"] == "failure"
    assert event["event"]["duration"] > 0
    assert event["error"] == {"type": "RequestRefused"}
    assert _search_of(event) == {"mode": "hybrid", "sample": 1.0}


def test_async_searches_are_recorded_as_well(shop: Shop, stream: Stream) -> None:
    async def searched() -> None:
        async with AsyncHybridSearch.open(shop.settings) as search:
            await asyncio.gather(*(search.search(row["title"]) for row in ROWS))
            with pytest.raises(RequestRefused):
                await search.search("kettle", collapse="no_such_field")

    asyncio.run(searched())
    outcomes = Counter(event["event"]["outcome"] for event in stream.events("search", 4))
    assert outcomes == {"success": 3, "failure": 1}


def _serving(shop: Shop, stream: Stream, **sections: Any) -> AbstractContextManager[str]:
    own: dict[str, Any] = {
        name: getattr(shop.settings, name).model_dump(exclude_unset=True)
        for name in ("index", "embedding", "rerank", "search")
    }
    events = {"enabled": True, "stream": stream.name, "hash_key": KEY}
    return serving(shop.settings.elasticsearch.url or "", events=events, **own, **sections)


def test_the_server_records_shop_searches_and_bodies(shop: Shop, stream: Stream) -> None:
    index = shop.settings.index.name
    body = {"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": "red kettle"}}}
    with _serving(shop, stream) as url:
        for asked in ({"text": "Red kettle"}, {"text": "x", "collapse": "no_such_field"}):
            ask(url, "/search", method="POST", body=asked)
        ask(url, f"/{index}/_search", method="POST", body=body)
        ask(url, f"/{index}/_search", method="POST", body={"query": {"match_all": {}}})
        searches = stream.events("search", 3)
        metrics = ask(url, "/metrics").body.decode()
    assert 'es_hybrid_stream_events_total{outcome="written"} 3.0' in metrics
    assert [_search_of(event)["mode"] for event in searches] == ["hybrid", "hybrid", "body"]
    shops, failed, bodies = map(_search_of, searches)
    assert shops["query_hash"] == bodies["query_hash"] == keyed_hash("red kettle", KEY)
    assert "query_hash" in failed
    assert "total" not in failed
    assert bodies["total"] == 3
    assert bodies["legs"]["bm25"] + bodies["legs"]["both"] == 3


@pytest.mark.parametrize("mode", ["interleave", "ab"])
def test_a_search_of_an_experiment_is_recorded_once(
    shop: Shop, stream: Stream, tmp_path: Path, mode: str
) -> None:
    variant = tmp_path / "b.toml"
    variant.write_text("[search]\nknn_weight = 2\n", "utf-8")
    experiment = {"log": str(tmp_path / "log"), "settings": str(variant), "mode": mode}
    with _serving(shop, stream, experiment=experiment) as url:
        for _ in range(2):
            assert ask(url, "/search", method="POST", body={"text": "red kettle"}).status == 200
    stream.events("search", 2)


def test_a_share_is_recorded_and_a_cluster_that_is_away_disturbs_no_search(
    shop: Shop, stream: Stream, monkeypatch: pytest.MonkeyPatch, counted: Counter[str]
) -> None:
    drawn = iter([0.1, 0.9, 0.2])
    monkeypatch.setattr(random, "random", lambda: next(drawn))
    shop.with_settings("events", sample=0.25)
    with HybridSearch.open(shop.settings) as search:
        away = shop.settings.model_copy(
            update={"elasticsearch": ElasticsearchSettings(url=dead_url())}
        )
        search._recorder = Recorder(away, lambda outcome, number: counted.update({outcome: number}))
        for _ in range(3):
            assert search.search("red kettle").total == 3
        search._recorder.close()
    assert counted == {"dropped": 2}
    assert not stream.es.indices.exists(index=stream.name)


def test_events_wait_within_bounds(counted: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MAX_WAITING", 20)
    settings = Settings(elasticsearch=ElasticsearchSettings(url=dead_url()))
    record = Recorder(settings, lambda outcome, number: counted.update({outcome: number}))
    record.add(lambda: {"more": "than twenty bytes"})
    record.add(lambda: {"a bug": 1 / 0})
    assert counted == {"dropped": 2}
    record.close()


@pytest.mark.parametrize(
    ("query_text", "facts"),
    [
        ("none", {}),
        ("plain", {"query": "red kettle"}),
        ("hash", {"query_hash": keyed_hash("red kettle", KEY)}),
    ],
)
def test_the_query_is_left_out_hashed_or_plain(query_text: str, facts: dict[str, str]) -> None:
    settings = load_settings(
        flags={"events": {"enabled": True, "query_text": query_text, "hash_key": KEY}}
    ).events
    body = {"ext": {"es_hybrid": {"text": " Red  kettle"}}}
    for asked in (SearchRequest(text="red KETTLE"), body):
        assert search_facts(asked, settings) == {"sample": 1.0, **facts}
    assert search_facts({"ext": {"es_hybrid": []}}, settings) == {"sample": 1.0}


def test_off_loads_no_recorder() -> None:
    assert not EventsSettings().enabled
    code = (
        "import sys, es_hybrid.search, ingest.load.job\n"
        "print([m for m in sys.modules if m.startswith('es_hybrid.events.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['es_hybrid.events.documents']\n"
