from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import ElasticsearchError
from es_hybrid.node import EmbeddedNode
from ingest.bulk import BulkWriter, Operation, encode
from ingest.sources import Row
from tests.ingest.faulty import (
    DROP,
    Answer,
    Fault,
    FaultyProxy,
    Forward,
    error_item,
    operations_of,
    refusal,
)


def operation(document_id: str, *, version: int = 1, **document: Any) -> Operation:
    body = encode(document_id, document or {"title": document_id}, version=version)
    return Operation(document_id, Row(f"a.csv:{document_id}"), body)


def writer_at(url: str, index: str, *, patience: float = 60.0) -> Iterator[BulkWriter]:
    with Elasticsearch(url, request_timeout=30) as client:
        yield BulkWriter(client, index, place=url, patience=patience)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for; none is slept."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    return asked


def stored(es: Elasticsearch, index: str) -> dict[str, Any]:
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=10_000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def test_outcomes_of_a_plain_request(es: Elasticsearch, index_name: str) -> None:
    es.indices.create(index=index_name, mappings={"properties": {"price": {"type": "double"}}})
    writer = BulkWriter(es, index_name, place="test")
    first = writer.send([operation("1", version=5), operation("2", version=5, price="dear")])
    assert [(o.operation.id, o.status, o.created, o.written) for o in first] == [
        ("1", 201, True, True),
        ("2", 400, False, False),
    ]
    assert "failed to parse field [price]" in first[1].reason
    again, newer, older = (
        writer.send([operation("1", version=version, title=str(version))])[0]
        for version in (5, 6, 4)
    )
    assert (again.written, again.created) == (True, False)
    assert newer.written
    assert (older.superseded, older.written) == (True, False)
    assert stored(es, index_name) == {"1": {"title": "6"}}


def test_order_of_arrival_does_not_matter(es: Elasticsearch, index_name: str) -> None:
    """Replays in any order end at the highest version."""
    dice = random.Random(7)
    writer = BulkWriter(es, index_name, place="test")
    for trial in range(30):
        replay = [
            operation(f"{trial}-{number}", version=version, v=version)
            for number in range(10)
            for version in (1, 2, 3)
            for _ in range(2)
        ]
        dice.shuffle(replay)
        for outcome in writer.send(replay):
            assert outcome.written or outcome.superseded
    found = stored(es, index_name)
    assert len(found) == 300
    assert all(document == {"v": 3} for document in found.values())


def test_every_item_gets_one_outcome_and_success_is_never_sent_again(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, pauses: list[float]
) -> None:
    """50 requests of 20 documents, each item answered at random by the node or by a fault."""
    dice = random.Random(11)
    injected: Counter[int] = Counter()
    taken: list[str] = []

    def fault(path: str, body: bytes, ask: Forward) -> Answer | None:
        if "/_bulk" not in path:
            return None
        items: list[Any] = []
        passed = []
        for document_id, lines in operations_of(body):
            status = dice.choice([200, 200, 200, 400, 403, 404, 409, 429, 503])
            if status == 200:
                passed.append(lines)
                taken.append(document_id)
                items.append(None)
            else:
                injected[status] += 1
                items.append(error_item(document_id, status))
        answered = iter(json.loads(ask(b"".join(passed))[1])["items"] if passed else [])
        merged = [item or next(answered) for item in items]
        return 200, json.dumps({"errors": True, "items": merged}).encode()

    sent = written = 0
    ends: Counter[str] = Counter()
    with FaultyProxy(node.url, fault) as proxy:
        for writer in writer_at(proxy.url, index_name):
            for number in range(50):
                operations = [operation(f"{number}-{n}") for n in range(20)]
                outcomes = writer.send(operations)
                assert {o.operation.id for o in outcomes} == {o.id for o in operations}
                assert len(outcomes) == 20
                sent += 20
                written += sum(outcome.written for outcome in outcomes)
                ends.update("ok" if o.written else str(o.status) for o in outcomes)
    assert set(injected) == {400, 403, 404, 409, 429, 503}
    assert set(ends) == {"ok", "400", "403", "404", "409"}
    assert len(taken) == len(set(taken)) == written == len(stored(es, index_name))
    assert ends.total() == sent == 1000
    assert pauses


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_cluster_is_waited_for_longer_and_longer(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, pauses: list[float], status: int
) -> None:
    answers = iter([refusal(status)] * 7)
    with FaultyProxy(node.url, lambda path, _body, _ask: next(answers, None)) as proxy:
        for writer in writer_at(proxy.url, index_name):
            assert [outcome.written for outcome in writer.send([operation("1")])] == [True]
        assert len(proxy.bulks) == 8
    for pause, most in zip(pauses, [0.5, 1, 2, 4, 8, 10, 10], strict=True):
        assert most / 2 <= pause <= most
    assert set(stored(es, index_name)) == {"1"}


def test_a_lost_answer_is_asked_for_again_and_doubles_nothing(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, pauses: list[float]
) -> None:
    lost: list[Answer] = []

    def fault(_path: str, body: bytes, ask: Forward) -> Answer | None:
        if not lost:
            lost.append(ask(body))
            return DROP
        return None

    with FaultyProxy(node.url, fault) as proxy:
        for writer in writer_at(proxy.url, index_name):
            outcomes = writer.send([operation("1"), operation("2")])
    assert [(o.written, o.created) for o in outcomes] == [(True, False), (True, False)]
    assert len(pauses) == 1
    assert set(stored(es, index_name)) == {"1", "2"}


def test_too_large_a_request_is_halved_until_it_fits(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    def fault(_path: str, body: bytes, _ask: Forward) -> Answer | None:
        return refusal(413) if len(body) > 3_000 else None

    operations = [operation(str(n), title="x" * 900) for n in range(20)]
    operations[7] = operation("7", title="x" * 5_000)
    with FaultyProxy(node.url, fault) as proxy:
        for writer in writer_at(proxy.url, index_name):
            outcomes = writer.send(operations)
    refused = [outcome for outcome in outcomes if not outcome.written]
    assert [(o.operation.id, o.status) for o in refused] == [("7", 413)]
    assert len(outcomes) == 20
    assert len(stored(es, index_name)) == 19


def test_items_that_stay_refused_come_back_with_the_reason(
    node: EmbeddedNode, index_name: str
) -> None:
    def fault(_path: str, body: bytes, _ask: Forward) -> Answer | None:
        items = [error_item(document_id, 429) for document_id, _ in operations_of(body)]
        return 200, json.dumps({"errors": True, "items": items}).encode()

    with FaultyProxy(node.url, fault) as proxy:
        for writer in writer_at(proxy.url, index_name, patience=0.3):
            (outcome,) = writer.send([operation("1")])
    assert (outcome.status, outcome.reason) == (429, "injected 429")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda _path, _body, _ask: refusal(503), "answered 503: injected 503"),
        (lambda _path, _body, _ask: refusal(401), "answered 401: injected 401; set"),
        (lambda _path, _body, _ask: DROP, "cannot be reached"),
        (lambda _path, _body, _ask: (200, b'{"items": []}'), "does not answer like Elasticsearch"),
    ],
)
def test_a_cluster_that_stays_away_is_an_error(
    node: EmbeddedNode, index_name: str, fault: Fault, message: str
) -> None:
    start = time.monotonic()
    with FaultyProxy(node.url, fault) as proxy:
        for writer in writer_at(proxy.url, index_name, patience=0.3):
            with pytest.raises(ElasticsearchError, match=message):
                writer.send([operation("1")])
    assert time.monotonic() - start < 5


def test_real_backpressure_and_a_real_size_limit(
    index_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A node that takes 1 MB of indexing at once, and 700 kB a request, under eight threads."""
    limits = {"indexing_pressure.memory.limit": "1mb", "http.max_content_length": "700kb"}
    requests = [
        [operation(f"{thread}-{n}", title="x" * 20_000) for n in range(60)] for thread in range(8)
    ]
    with EmbeddedNode(heap="512m", settings=limits) as small:
        for writer in writer_at(small.url, index_name):
            with ThreadPoolExecutor(8) as threads:
                outcomes = list(chain.from_iterable(threads.map(writer.send, requests)))
        assert len(outcomes) == 480
        assert all(outcome.written for outcome in outcomes)
        with Elasticsearch(small.url) as client:
            assert len(stored(client, index_name)) == 480
    assert sum(len(operation.body) for operation in requests[0]) > 700 * 1024
    assert "429" in caplog.text
