"""Several `es-hybrid serve`: one client, kills and stops, and what their metrics add up to."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

from benchmarks.servers import Server, started
from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX
from tests.pauses import PATIENCE, wait_until
from tests.serve.running import ask

BODY: dict[str, Any] = {
    "query": {"match": {"title": "kettle"}},
    "ext": {"es_hybrid": {"text": "kettle", "rerank": False}},
}
ENVIRONMENT = {"ES_HYBRID_RERANK__ENABLED": "false", "ES_HYBRID_SEARCH__TIMEOUT_MS": "0"}


class Shoppers:
    """Four threads that search through one client, which knows the address of every server."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._client = Elasticsearch([server.url for server in servers], request_timeout=PATIENCE)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._search) for _ in range(4)]
        self.answered = 0
        self.failures: list[Exception] = []

    def _search(self) -> None:
        while not self._end.is_set():
            try:
                assert self._client.search(index=CATALOGUE_INDEX, body=BODY)["hits"]["hits"]
            except Exception as error:
                self.failures.append(error)
            else:
                self.answered += 1  # a count that may miss some is enough

    def search_more(self, number: int = 30) -> None:
        """Wait for as many further answers."""
        enough = self.answered + number
        wait_until(lambda: self.answered >= enough or bool(self.failures))
        assert not self.failures

    @contextmanager
    def searching(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._end.set()
            for thread in self._threads:
                thread.join(PATIENCE)
            self._client.close()


def searches(server: Server) -> float:
    """Searches that a server has answered, by its own metrics."""
    lines = ask(server.url, "/metrics").body.decode().splitlines()
    counts = [line for line in lines if line.startswith('es_hybrid_requests_total{door="search"')]
    return sum(float(line.rpartition(" ")[2]) for line in counts)


def test_one_of_two_is_killed_and_replaced_the_other_is_stopped_and_no_search_is_lost(
    node: EmbeddedNode, catalogue: str
) -> None:
    with ExitStack() as servers:
        one, two = (
            servers.enter_context(started(node.url, environment=ENVIRONMENT)) for _ in range(2)
        )
        with Elasticsearch([one.url, two.url]) as client:
            for _ in range(20):
                client.search(index=CATALOGUE_INDEX, body=BODY)
        assert searches(one) + searches(two) == 20
        assert min(searches(one), searches(two)) > 0

        shoppers = Shoppers([one, two])
        with shoppers.searching():
            shoppers.search_more()
            os.kill(one.pid, signal.SIGKILL)
            shoppers.search_more()
            port = urlsplit(one.url).port or 0
            successor = servers.enter_context(started(node.url, port=port, environment=ENVIRONMENT))
            # The client tries the address of a dead server again after a while.
            wait_until(lambda: searches(successor) > 0)
            os.kill(two.pid, signal.SIGTERM)
            shoppers.search_more()
        assert not shoppers.failures
