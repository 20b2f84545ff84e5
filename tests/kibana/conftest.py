"""What the panels read: real loads, searches and an alignment of a shop that writes events."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import TooManyRejected
from es_hybrid.kibana import Names
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from ingest.load.job import LoadJob
from tests.align.catalogue import KEPT, groups, run
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.http import Answer, dead_url

INDEX = "test-kibana"
STREAM = f"es-hybrid-events-{uuid.uuid4().hex[:12]}"
PAIRS = "test-kibana-pairs"
# 60 products: 12 in five languages, without the numbers by which an alignment recognises them.
ROWS = [{key: row[key] for key in KEPT if key in row} for row in groups(12)]
_WITHOUT_TITLE = [{"id": f"untitled-{number}"} for number in range(120)]


@pytest.fixture(scope="module")
def operated(
    es: Elasticsearch, node: EmbeddedNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Names]:
    """The names of what the panels read."""
    folder = tmp_path_factory.mktemp("kibana")
    config = folder / "es-hybrid.toml"
    config.write_text(_toml(node.url, folder))
    settings = load_settings(config)
    with FaultyProxy(node.url, _away_at_first()) as proxy:
        away = settings.with_(elasticsearch={"url": proxy.url})
        _load(away, [*ROWS, _WITHOUT_TITLE[0]], folder)
    _load(settings, ROWS[:10], folder)
    with suppress(TooManyRejected):
        _load(settings, _WITHOUT_TITLE, folder)
    _search(es, settings)
    aligned = run("align", "run", INDEX, "--pairs-index", PAIRS, "--no-rerank", "--config", config)
    assert aligned.exit_code == 0, aligned.output
    es.indices.refresh(index=f"{STREAM},{PAIRS}")
    yield Names.of(settings, pairs=PAIRS, passport=None)
    for index in es.indices.get(index=f"{INDEX}*"):
        es.indices.delete(index=index)
    # The data stream stays: the node cannot delete one.


def _toml(url: str, folder: Path) -> str:
    sections: dict[str, dict[str, Any]] = {
        "elasticsearch": {"url": url},
        "index": {"name": INDEX},
        "ingest": {"ledger_dir": str(folder), "dead_letters": str(folder / "dead.jsonl")},
        "events": {"enabled": True, "stream": STREAM, "query_text": "plain"},
        "align": {"store": str(folder / "pairs.sqlite")},
        "rerank": {"window": 15, "deadline_ms": 60_000},
        "search": {"timeout_ms": 0},
    }
    # A JSON value of these types is a TOML value, too.
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in section.items())
        for name, section in sections.items()
    )


def _load(settings: Settings, rows: Sequence[dict[str, Any]], folder: Path) -> None:
    feed = folder / "feed.jsonl"
    feed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = LoadJob.of(
        settings,
        [str(feed)],
        file_format="jsonl",
        mapping={},
        dead_letters=settings.ingest.dead_letters,
    )
    job.run(say=lambda line: None, on_progress=lambda tally: None)


def _away_at_first() -> Callable[[str, bytes, Forward], Answer | None]:
    """A server that is not ready for the first products."""
    refused: list[str] = []

    def away(path: str, body: bytes, forward: Forward) -> Answer | None:
        if "/_bulk" not in path or STREAM in path or refused:
            return None
        refused.append(path)
        return Answer(503)

    return away


def _search(es: Elasticsearch, settings: Settings) -> None:
    rule = {
        "id": "hiking",
        "criteria": [{"type": "contains", "values": ["hiking"]}],
        "actions": {"pin": [ROWS[0]["id"]]},
    }
    RuleStore(es).put(Rule.model_validate(rule), author="ann")
    try:
        with HybridSearch.open(settings) as shop:
            for query in (
                "waterproof hiking shoes for women",
                "light hiking shoes for long walks",
                "quick-dry t-shirt for men",
                "quick-dry t-shirt for men",
                "running shoes with a breathible mesh",  # misspelt
            ):
                assert shop.search(query).hits
            assert not shop.search("men's shirt", filters={"brand": "nobody"}).hits
        with HybridSearch.open(settings.with_(rerank={"url": f"{dead_url()}/v1/rerank"})) as shop:
            assert shop.search("trail shoes").degraded
    finally:
        es.indices.delete(index=RULES_INDEX)
