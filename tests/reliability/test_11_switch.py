"""11. A switch of the index is atomic, during searches and kills."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.index.body import index_body
from es_hybrid.index.passport import Passport, issue_passport
from es_hybrid.index.versions import live_index, rollback, switch
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import EmbeddingSettings, IndexSettings, SearchSettings, Settings
from tests.fakes.embedding import EmbeddingServer, vector_of
from tests.pauses import wait_until

PRODUCTS = 60
SEARCHERS = 2


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=64) as server:
        yield server


@dataclasses.dataclass
class TwoVersions:
    """The same products in two versions with different brands; the alias names the first.

    The second has another vector field, so that cached facts of the first are wrong for it.
    """

    es: Elasticsearch
    alias: str
    settings: Settings
    embedder: OpenAIEmbedder

    @property
    def names(self) -> tuple[str, str]:
        return f"{self.alias}-v0001", f"{self.alias}-v0002"

    def make(self) -> None:
        base = issue_passport(self.settings, self.embedder, languages=[])
        for name, field in zip(self.names, ("embedding", "embedding_2"), strict=True):
            self._make(name, dataclasses.replace(base, vector_field=field))
        self.es.indices.put_alias(index=self.names[0], name=self.alias)

    def _make(self, name: str, passport: Passport) -> None:
        settings = IndexSettings(name=name, vector_field=passport.vector_field)
        body = index_body(settings, passport=passport)
        self.es.indices.create(index=name, settings=body["settings"], mappings=body["mappings"])
        lines: list[dict[str, object]] = []
        for number in range(PRODUCTS):
            title = f"kettle number {number}"
            vector = vector_of(title, 64).tolist()
            lines += [
                {"index": {"_id": str(number)}},
                {"title": title, "brand": name, passport.vector_field: vector},
            ]
        assert not self.es.bulk(index=name, operations=lines, refresh=True)["errors"]

    def search(self) -> HybridSearch:
        return HybridSearch(
            self.es, index=self.alias, embedder=self.embedder, settings=self.settings
        )


@pytest.fixture
def versions(
    es: Elasticsearch, node: EmbeddedNode, index_name: str, server: EmbeddingServer
) -> TwoVersions:
    two = TwoVersions(
        es=es,
        alias=index_name,
        settings=Settings(
            index=IndexSettings(name=index_name),
            search=SearchSettings(timeout_ms=0, window=20, num_candidates=50),
        ),
        embedder=OpenAIEmbedder(EmbeddingSettings(base_url=server.url, query_instruction="")),
    )
    two.make()
    return two


class Searcher(threading.Thread):
    """Searches without a pause and checks every answer.

    Attributes:
        met: Number of searches that each version answered.
        wrong: Faults found.
    """

    def __init__(self, versions: TwoVersions) -> None:
        super().__init__(daemon=True)
        self._shop = versions.search()
        self._done = threading.Event()
        self.met: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._done.is_set():
            number = (number + 1) % PRODUCTS
            try:
                answer = self._shop.search(f"kettle number {number}", facets=["brand"], size=20)
            except Exception as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                continue
            self._look_at(answer, number)

    def end(self) -> None:
        self._done.set()
        self.join()
        self._shop.close()

    def _look_at(self, answer: SearchResponse, number: int) -> None:
        of_hits = {hit.source["brand"] for hit in answer.hits}
        ids = [hit.id for hit in answer.hits]
        if len(of_hits) != 1 or set(answer.facets["brand"]) != of_hits:
            self.wrong.append(f"mixed: hits of {of_hits}, facet {answer.facets}")
        if len(set(ids)) != len(ids) or ids[0] != str(number):
            self.wrong.append(f"wrong hits: {ids}")
        if answer.degraded:
            self.wrong.append(f"degraded: {answer.degraded}")
        self.met.update(of_hits)


def _wait_for_an_answer(searchers: Sequence[Searcher]) -> None:
    def answers() -> int:
        return sum(searcher.met.total() + len(searcher.wrong) for searcher in searchers)

    before = answers()
    wait_until(lambda: answers() > before)


def _switched_under_search(versions: TwoVersions, switches: int) -> list[Searcher]:
    searchers = [Searcher(versions) for _ in range(SEARCHERS)]
    for searcher in searchers:
        searcher.start()
    for number in range(switches):
        switch(versions.es, versions.alias, versions.names[(number + 1) % 2])
        _wait_for_an_answer(searchers)
    for searcher in searchers:
        searcher.end()
    return searchers


@pytest.mark.parametrize(
    "switches", [20, pytest.param(100, marks=pytest.mark.soak)], ids=["short", "full"]
)
def test_no_error_and_no_mixed_result_while_the_alias_moves(
    versions: TwoVersions, switches: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="es_hybrid.retrieval.moved"):
        searchers = _switched_under_search(versions, switches)
    assert "searching again" in caplog.text, "a search met a switch"
    for searcher in searchers:
        assert searcher.wrong == []
        assert set(searcher.met) == set(versions.names), "searches met both versions"
    assert sum(sum(searcher.met.values()) for searcher in searchers) > switches


# The steps of a switch: nothing done, the note written, the alias moved.
_STEPS = ("record_former", "update_aliases", "after")
_KILLED_AT = """
import os, signal, sys
from elasticsearch import Elasticsearch
from elasticsearch.client import IndicesClient
import es_hybrid.index.versions as module

step, url, alias, target = sys.argv[1:]
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if step == "record_former":
    module.record_former = die
elif step == "update_aliases":
    IndicesClient.update_aliases = die
module.switch(Elasticsearch(url), alias, target)
die()
"""


@pytest.mark.parametrize("step", _STEPS)
def test_a_kill_at_any_step_leaves_an_alias_that_can_be_searched_and_switched(
    versions: TwoVersions, node: EmbeddedNode, tmp_path: Path, step: str
) -> None:
    first, second = versions.names
    program = tmp_path / "switch.py"
    program.write_text(_KILLED_AT)
    killed = subprocess.run(
        [sys.executable, str(program), step, node.url, versions.alias, second],
        env=dict(os.environ),
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, "the kill came at this step"
    live = second if step == "after" else first
    assert live_index(versions.es, versions.alias) == live
    with versions.search() as shop:
        hits = shop.search("kettle number 3").hits
    assert {hit.source["brand"] for hit in hits} == {live}
    if step == "after":
        assert rollback(versions.es, versions.alias) == (second, first)
    else:
        assert switch(versions.es, versions.alias, second) == first
        assert rollback(versions.es, versions.alias) == (second, first)
    assert live_index(versions.es, versions.alias) == first
