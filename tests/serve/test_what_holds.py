"""What an attack on the server did not break, and what must stay so."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from elasticsearch import Elasticsearch, TransportError

from es_hybrid.node import EmbeddedNode
from tests.fakes.http import Answer, HttpServer, Request
from tests.fakes.models import FakeEmbedder
from tests.pauses import PATIENCE, wait_until
from tests.serve.live import RRF
from tests.serve.running import ask, raw, serving

WRITERS = 4


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    with HttpServer() as server, serving(server.url, embedder=FakeEmbedder()) as address:
        yield server, address


def test_no_acknowledged_write_is_lost_when_elasticsearch_is_killed(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    acknowledged: list[str] = []
    refused: list[str] = []
    over = threading.Event()

    def write(writer: int) -> None:
        with Elasticsearch(url, max_retries=0, request_timeout=PATIENCE) as client:
            for number in range(1_000_000):
                if over.is_set():
                    return
                try:
                    created = client.create(index="held", id=f"{writer}-{number}", document={})
                    acknowledged.append(created["_id"])
                except TransportError as error:
                    refused.append(str(error))
                    over.wait(0.05)
                except Exception as error:  # an answer of the server: 502 or 503
                    refused.append(str(getattr(error, "status_code", error)))
                    over.wait(0.05)

    with (
        EmbeddedNode(tmp_path, port=port, heap="512m") as node,
        serving(node.url, embedder=FakeEmbedder()) as url,
        ThreadPoolExecutor(WRITERS) as threads,
    ):
        writing = [threads.submit(write, number) for number in range(WRITERS)]
        wait_until(lambda: len(acknowledged) > 50)
        os.kill(pid := node.pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        wait_until(lambda: bool(refused))
        node.start()
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before + 50)  # the server finds it again by itself
        over.set()
        for thread in writing:
            thread.result()
        with Elasticsearch(node.url) as client:
            found = client.mget(index="held", ids=acknowledged, source=False)["docs"]
    assert [doc["_id"] for doc in found if not doc["found"]] == []
    assert set(refused) <= {"502", "503"}


def test_answers_are_never_mixed_up(stack: tuple[HttpServer, str]) -> None:
    """Forty callers at once, of whom a quarter leaves in the middle of an answer."""
    upstream, url = stack

    def echo(request: Request) -> Answer:
        number = request.path.rpartition("/")[2]
        pieces = [number.encode() + b" "] * 200
        if int(number) % 3:
            return Answer(200, b"".join(pieces))
        return Answer(200, chunks=pieces, cut=None)

    upstream.script = echo
    dice = random.Random(7)

    def call(number: int) -> bool:
        if number % 4 == 0:
            parts = urlsplit(url)
            with socket.create_connection((parts.hostname, parts.port), PATIENCE) as connection:
                connection.sendall(b"GET /a/_doc/%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % number)
                connection.recv(dice.randrange(1, 400))
            return True
        return ask(url, f"/a/_doc/{number}").body == b"%d " % number * 200

    with ThreadPoolExecutor(40) as threads:
        assert all(threads.map(call, range(1000)))


def test_a_caller_may_wait_before_it_sends_its_body(stack: tuple[HttpServer, str]) -> None:
    upstream, url = stack
    upstream.script = lambda request: Answer(200, request.body)
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as connection:
        connection.sendall(
            b"POST /a/_doc HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
            b"content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"{}")


def test_pipelined_requests_are_answered_in_order(stack: tuple[HttpServer, str]) -> None:
    upstream, url = stack
    upstream.script = lambda request: Answer(200, request.target.encode())
    requests = [b"GET /n%d HTTP/1.1\r\nhost: localhost\r\n" % number for number in range(6)]
    answers = raw(url, b"\r\n".join(requests) + b"connection: close\r\n\r\n")
    places = [answers.index(b"/n%d" % number) for number in range(6)]
    assert places == sorted(places)


def test_a_tree_at_a_point_in_time(served: str, products: str, es: Elasticsearch) -> None:
    with Elasticsearch(served) as client:
        pit = client.open_point_in_time(index=products, keep_alive="1m")["id"]
        found = client.search(pit={"id": pit}, retriever=RRF)
        assert found["hits"]["total"]["value"] == 3
        assert client.close_point_in_time(id=pit)["succeeded"]
    assert ask(served, f"/{products}/_search", method="POST", body={"pit": {"id": pit}}).status in (
        400,
        404,
    )
