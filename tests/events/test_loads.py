"""Events of loads, backfills and alignments."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import AlignError, TooManyRejected
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import Settings
from ingest.align.job import SELF, AlignJob
from ingest.backfill.job import BackfillJob
from ingest.record import load_events
from tests.align.catalogue import groups, write
from tests.events.conftest import ROWS, OpenShop, Stream
from tests.fakes.elasticsearch import FaultyProxy, Forward, refusal
from tests.fakes.http import Answer
from tests.ingest.conftest import DIMS


def _actions(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"]["action"] for event in events]


def _load_of(event: dict[str, Any]) -> dict[str, Any]:
    load: dict[str, Any] = event["es_hybrid"]["load"]
    return load


def test_a_load_with_rejected_rows_and_the_state_of_the_catalogue(
    stream: Stream, open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_events, "_EVERY", 0.0)
    shop = stream.shop(open_shop)
    shop.load([*ROWS, {"id": "4", "title": ""}])
    started, *progress, ended = stream.events("load", 4)
    assert _actions([started, *progress, ended]) == [
        "load-started", "load-progress", "load-progress", "load-ended",
    ]  # fmt: skip
    assert {event["event"]["kind"] for event in progress} == {"metric"}
    assert ended["event"]["outcome"] == "success"
    assert ended["event"]["duration"] > 0
    load = _load_of(ended)
    assert load.pop("rate") > 0
    assert load.pop("id") == _load_of(started)["id"] != ""
    assert load == {
        "runner": "local", "rows": 4, "written": 3, "unchanged": 0, "rejected": 1,
        "dead_letters": 1, "embedded": 3, "outage": 0.0,
    }  # fmt: skip
    (snapshot,) = stream.events("catalogue", 1)
    assert snapshot["event"]["kind"] == "metric"
    catalogue = snapshot["es_hybrid"]["catalogue"]
    assert {**catalogue, "model": "", "revision": ""} == {
        "documents": 3, "with_vector": 3, "without_vector": 0, "stale": 0, "dims": DIMS,
        "model": "", "revision": "", "vector_type": shop.settings.index.vector_type,
    }  # fmt: skip


def test_a_catalogue_that_cannot_be_described_fails_no_load(
    stream: Stream, open_shop: OpenShop, node: EmbeddedNode, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultyProxy(
        node.url, lambda path, body, forward: refusal(403) if "/_stats" in path else None
    ) as proxy:
        shop = stream.shop(open_shop, url=proxy.url)
        assert shop.load(ROWS).written == 3
    stream.events("load", 2)
    assert "an event is dropped" in caplog.text
    assert "grant this user the required privileges" in caplog.text


def test_a_load_that_fails_says_why(stream: Stream, open_shop: OpenShop) -> None:
    shop = stream.shop(open_shop, ingest={"max_rejected_in_a_row": 2})
    with pytest.raises(TooManyRejected):
        shop.load([{"id": str(number), "title": ""} for number in range(5)])
    *_, ended = stream.events("load", 2)
    assert ended["event"]["outcome"] == "failure"
    assert ended["error"]["type"] == "TooManyRejected"
    assert ended["error"]["message"]


def test_an_outage_is_an_event_when_it_is_over(
    stream: Stream, open_shop: OpenShop, node: EmbeddedNode
) -> None:
    bulks: list[float] = []

    def away(path: str, body: bytes, forward: Forward) -> Answer | None:
        if "/_bulk" in path and stream.name not in path:
            bulks.append(time.monotonic())
            if len(bulks) <= 2:
                return Answer(503)
        return None

    with FaultyProxy(node.url, away) as proxy:
        shop = stream.shop(open_shop, url=proxy.url)
        shop.load(ROWS)
    started, outage, ended = stream.events("load", 3)
    assert _actions([started, outage, ended]) == ["load-started", "outage", "load-ended"]
    assert outage["event"]["outcome"] == "failure"
    assert outage["error"]["type"] == "Outage"
    seconds = outage["event"]["duration"] / 1e9
    # Waited twice: 0.25 to 0.5 s, and 0.5 to 1 s.
    assert 0.7 <= seconds <= bulks[2] - bulks[0] + 0.5
    assert _load_of(ended)["outage"] == pytest.approx(seconds, abs=0.01)
    assert _load_of(ended)["written"] == 3


def test_a_backfill_is_recorded_as_a_load(stream: Stream, open_shop: OpenShop) -> None:
    shop = stream.shop(open_shop)
    shop.with_settings("events", enabled=False)
    shop.load(ROWS)
    index = shop.settings.index.name
    shop.es.update(index=index, id="3", doc={"title": "Green lamp"}, refresh=True)
    assert load_events.catalogue_facts(shop.es, shop.settings)["stale"] == 1
    shop.with_settings("events", enabled=True)
    BackfillJob(settings=shop.settings, dead_letters=shop.folder / "dead.jsonl").run(
        on_progress=lambda _: None
    )
    _, ended = stream.events("load", 2)
    assert _load_of(ended)["id"] == f"backfill-{index}"
    assert _load_of(ended)["runner"] == "backfill"
    assert _load_of(ended)["written"] == 1
    (snapshot,) = stream.events("catalogue", 1)
    assert snapshot["es_hybrid"]["catalogue"]["documents"] == 3
    assert snapshot["es_hybrid"]["catalogue"]["stale"] == 0


def test_an_alignment(stream: Stream, node: EmbeddedNode, tmp_path: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", groups(4))
    settings = Settings().with_(
        elasticsearch={"url": node.url},
        align={"store": tmp_path / "store.sqlite"},
        events=stream.settings().model_dump(),
    )
    job = AlignJob(settings=settings, left=str(rows), right=SELF, rerank=False)
    summary = job.run(say=lambda line: None, progress=lambda *_: None)
    (event,) = stream.events("align", 1)
    assert event["event"]["action"] == "align-run"
    assert event["event"]["duration"] > 0
    decisions = summary.decisions
    assert event["es_hybrid"] == {
        "align": {
            "merge": decisions["merge"], "review": decisions["review"],
            "discard": decisions["discard"], "candidates": decisions.total(),
            "groups": len(summary.groups), "queue": decisions["review"],
        }
    }  # fmt: skip
    assert summary.decisions.total() > 0


def test_an_alignment_that_fails(stream: Stream, node: EmbeddedNode, tmp_path: Path) -> None:
    settings = Settings().with_(
        elasticsearch={"url": node.url},
        align={"store": tmp_path / "store.sqlite", "weights": tmp_path / "none.json"},
        events=stream.settings().model_dump(),
    )
    with pytest.raises(AlignError):
        AlignJob(settings=settings, left="none.jsonl", right=SELF).run(
            say=lambda line: None, progress=lambda *_: None
        )
    (event,) = stream.events("align", 1)
    assert event["event"]["outcome"] == "failure"
    assert event["error"]["type"] == "AlignError"
