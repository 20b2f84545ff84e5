from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import ElasticsearchError, Outage
from es_hybrid.node import EmbeddedNode
from ingest.writing import (
    AdaptiveLimit,
    BulkWriter,
    Operation,
    Outcome,
    Patience,
    delete_operation,
    index_operation,
    patiently,
    update_operation,
)
from tests.fakes.elasticsearch import (
    Fault,
    FaultyProxy,
    Forward,
    bulk_answer,
    error_item,
    operations_of,
    refusal,
)
from tests.fakes.http import DROP, Answer
from tests.pauses import PATIENCE, Pauses, wait_until


def operation(id_: str, *, version: int = 1, **document: Any) -> Operation:
    return index_operation(id_, document or {"title": id_}, version=version)


def writer_of(
    client: Elasticsearch,
    index: str,
    *,
    max_outage: float = 60.0,
    pauses: Pauses | None = None,
    most: int = 8,
    max_bytes: float = math.inf,
) -> BulkWriter:
    return BulkWriter(
        client,
        index,
        place="the cluster",
        patience=Patience(max_outage, pauses or threading.Event()),
        limit=AdaptiveLimit(most),
        max_bytes=max_bytes,
    )


@contextlib.contextmanager
def writer_behind(proxy: FaultyProxy, index: str, **options: Any) -> Iterator[BulkWriter]:
    with proxy, Elasticsearch(proxy.url, request_timeout=30) as client:
        yield writer_of(client, index, **options)


def stored(es: Elasticsearch, index: str) -> dict[str, Any]:
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=10_000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def test_outcomes_of_whole_documents(es: Elasticsearch, index_name: str) -> None:
    es.indices.create(index=index_name, mappings={"properties": {"price": {"type": "double"}}})
    writer = writer_of(es, index_name)
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
    assert (older.superseded, older.conflict, older.written) == (True, False, False)
    assert stored(es, index_name) == {"1": {"title": "6"}}


def test_outcomes_of_partial_writes_and_deletes(es: Elasticsearch, index_name: str) -> None:
    for id_ in ("1", "2", "3"):
        es.index(index=index_name, id=id_, document={"title": id_, "stock": 1})
    read = {doc["_id"]: doc for doc in es.mget(index=index_name, ids=["1", "2", "3"])["docs"]}

    def seen(id_: str) -> dict[str, Any]:
        return {"if_seq_no": read[id_]["_seq_no"], "if_primary_term": read[id_]["_primary_term"]}

    es.update(index=index_name, id="2", doc={"stock": 2})  # someone else, meanwhile
    writer = writer_of(es, index_name)
    outcomes = writer.send([
        update_operation("1", {"title": "new", "price": 3}, **seen("1"), tag="row 1"),
        update_operation("2", {"title": "new"}, **seen("2")),
        update_operation("absent", {"title": "new"}, **seen("1")),
        delete_operation("3", **seen("3")),
    ])  # fmt: skip
    assert [(o.written, o.conflict, o.missing, o.superseded) for o in outcomes] == [
        (True, False, False, False),
        (False, True, False, False),
        (False, False, True, False),
        (True, False, False, False),
    ]
    assert outcomes[0].operation.tag == "row 1"
    assert [o.result for o in outcomes] == ["updated", "", "", "deleted"]
    # A lost answer leads to the same operation twice.
    repeated = writer.send([outcomes[0].operation, outcomes[3].operation])
    assert [o.conflict for o in repeated] == [True, True]
    assert stored(es, index_name) == {
        "1": {"title": "new", "price": 3, "stock": 1},
        "2": {"title": "2", "stock": 2},
    }


def test_a_document_of_another_shard_is_reached_by_its_routing(
    es: Elasticsearch, index_name: str
) -> None:
    es.indices.create(index=index_name, settings={"number_of_shards": 5})
    writer = writer_of(es, index_name)
    for number in range(10):
        written = es.index(index=index_name, id=str(number), document={"n": 1}, routing="key")
        seen = {"if_seq_no": written["_seq_no"], "if_primary_term": written["_primary_term"]}
        (outcome,) = writer.send([update_operation(str(number), {"n": 2}, **seen, routing="key")])
        assert outcome.written
    assert all(document == {"n": 2} for document in stored(es, index_name).values())


def test_nothing_to_write_is_no_request(es: Elasticsearch, index_name: str) -> None:
    assert writer_of(es, index_name).send([]) == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_cluster_is_waited_for_longer_and_longer(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, status: int
) -> None:
    answers, pauses = iter([refusal(status)] * 7), Pauses()
    proxy = FaultyProxy(node.url, lambda path, _body, _ask: next(answers, None))
    with writer_behind(proxy, index_name, pauses=pauses) as writer:
        assert [outcome.written for outcome in writer.send([operation("1")])] == [True]
    assert len(proxy.bulks) == 8
    for pause, most in zip(pauses.asked, [0.5, 1, 2, 4, 8, 10, 10], strict=True):
        assert most / 2 <= pause <= most
    assert set(stored(es, index_name)) == {"1"}


def test_requests_pause_for_as_long_as_the_cluster_asks(
    node: EmbeddedNode, index_name: str
) -> None:
    answers, pauses = iter([replace(refusal(429), headers={"Retry-After": "7"})]), Pauses()
    proxy = FaultyProxy(node.url, lambda path, _body, _ask: next(answers, None))
    with writer_behind(proxy, index_name, pauses=pauses) as writer:
        assert writer.send([operation("1")])[0].written
    assert pauses.asked == [7.0]


def test_a_lost_answer_is_asked_for_again_and_doubles_nothing(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    lost: list[Answer] = []

    def fault(_path: str, body: bytes, ask: Forward) -> Answer | None:
        if not lost:
            lost.append(ask(body))
            return DROP
        return None

    pauses = Pauses()
    with writer_behind(FaultyProxy(node.url, fault), index_name, pauses=pauses) as writer:
        outcomes = writer.send([operation("1"), operation("2")])
    assert [(o.written, o.created) for o in outcomes] == [(True, False), (True, False)]
    assert len(pauses.asked) == 1
    assert set(stored(es, index_name)) == {"1", "2"}


def test_too_large_a_request_is_halved_until_it_fits(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    def fault(_path: str, body: bytes, _ask: Forward) -> Answer | None:
        return refusal(413) if len(body) > 3_000 else None

    operations = [operation(str(n), title="x" * 900) for n in range(20)]
    operations[7] = operation("7", title="x" * 5_000)
    with writer_behind(FaultyProxy(node.url, fault), index_name) as writer:
        outcomes = writer.send(operations)
    assert [outcome.operation for outcome in outcomes] == operations
    refused = [outcome for outcome in outcomes if not outcome.written]
    assert [(o.operation.id, o.status) for o in refused] == [("7", 413)]
    assert "bytes are more than the cluster accepts" in refused[0].reason
    assert len(stored(es, index_name)) == 19


def test_what_a_request_is_refused_for_is_found(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    """An id over 512 bytes makes Elasticsearch refuse the whole request."""
    operations = [operation("x" * 513 if n == 11 else str(n)) for n in range(64)]
    proxy = FaultyProxy(node.url, lambda path, _body, _ask: None)
    with writer_behind(proxy, index_name) as writer:
        outcomes = writer.send(operations)
    (refused,) = (outcome for outcome in outcomes if not outcome.written)
    assert (refused.operation, refused.status) == (operations[11], 400)
    assert refused.reason.endswith("but was: 513;")
    assert len(stored(es, index_name)) == 63
    assert len(proxy.bulks) == 13  # 64, then two halves on each of six levels


def test_only_what_is_busy_is_sent_again(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    """Every second item of the first three requests is refused for load."""

    def fault(_path: str, body: bytes, ask: Forward) -> Answer | None:
        if len(proxy.bulks) > 3:
            return None
        operations = operations_of(body)
        answered = iter(ask(b"".join(lines for _, lines in operations[::2])).json()["items"])
        items = [
            error_item(id_, 429) if n % 2 else next(answered)
            for n, (id_, _) in enumerate(operations)
        ]
        return bulk_answer(items)

    proxy, pauses = FaultyProxy(node.url, fault), Pauses()
    with writer_behind(proxy, index_name, pauses=pauses) as writer:
        outcomes = writer.send([operation(str(n)) for n in range(16)])
    assert all(outcome.created for outcome in outcomes)
    assert [len(operations_of(body)) for body in proxy.bulks] == [16, 8, 4, 2]
    # Each request made progress, so the waits restart.
    assert all(pause <= 0.5 for pause in pauses.asked)
    assert len(stored(es, index_name)) == 16


def test_items_that_stay_busy_are_an_outage(node: EmbeddedNode, index_name: str) -> None:
    def fault(_path: str, body: bytes, _ask: Forward) -> Answer | None:
        items = [error_item(id_, 429) for id_, _ in operations_of(body)]
        return bulk_answer(items)

    proxy = FaultyProxy(node.url, fault)
    with (
        writer_behind(proxy, index_name, max_outage=0.3) as writer,
        pytest.raises(Outage, match=r"for 0\.3 s: injected 429"),
    ):
        writer.send([operation("1")])
    assert len(proxy.bulks) > 1


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda _path, _body, _ask: refusal(503), Outage, "answered 503: injected 503"),
        (lambda _path, _body, _ask: DROP, Outage, "cannot be reached"),
        (lambda _p, _b, _a: refusal(401), ElasticsearchError, "answered 401: injected 401; set"),
        (lambda _p, _b, _a: Answer(), ElasticsearchError, "0 items for 1 operations"),
    ],
)
def test_a_cluster_that_stays_away_is_an_outage_and_one_that_refuses_is_an_error(
    node: EmbeddedNode, index_name: str, fault: Fault, error: type[Exception], message: str
) -> None:
    with (
        writer_behind(FaultyProxy(node.url, fault), index_name, max_outage=0.3) as writer,
        pytest.raises(error, match=message),
    ):
        writer.send([operation("1")])


def test_a_stop_ends_the_waiting_at_once(index_name: str) -> None:
    patience = Patience(60.0)
    threading.Timer(0.3, patience.stopped.set).start()
    start = time.monotonic()
    with (
        Elasticsearch("http://127.0.0.1:1", max_retries=0) as client,
        pytest.raises(Outage, match="when this was stopped"),
    ):
        patiently(lambda: client.count(index=index_name), patience, place="the cluster")
    assert time.monotonic() - start < 30


class _Gate:
    """Holds the first request until as many threads wait as are to travel together."""

    def __init__(self, fault: Fault = lambda path, body, ask: None) -> None:
        self._fault = fault
        self._open = threading.Event()
        self.proxy: FaultyProxy

    def __call__(self, path: str, body: bytes, ask: Forward) -> Answer | None:
        if len(self.proxy.bulks) == 1:
            assert self._open.wait(PATIENCE)
        return self._fault(path, body, ask)

    def send(
        self, node: EmbeddedNode, index: str, batches: Sequence[list[Operation]], **options: Any
    ) -> list[list[Outcome] | BaseException | None]:
        """The first batch goes alone; the others arrive before it is answered."""
        self.proxy = FaultyProxy(node.url, self)
        with (
            writer_behind(self.proxy, index, most=1, **options) as writer,
            ThreadPoolExecutor(len(batches)) as threads,
        ):
            first = threads.submit(writer.send, batches[0])
            wait_until(lambda: len(self.proxy.bulks) == 1)
            others = [threads.submit(writer.send, batch) for batch in batches[1:]]
            wait_until(lambda: len(writer._waiting._waiting) == len(others))
            self._open.set()
            return [done.exception() or done.result() for done in (first, *others)]

    @property
    def sizes(self) -> list[int]:
        """Operations of each request."""
        return [len(operations_of(body)) for body in self.proxy.bulks]


def test_what_waits_for_the_cluster_is_sent_together(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    es.indices.create(index=index_name, mappings={"properties": {"price": {"type": "double"}}})
    batches = [[operation(f"{b}-{n}") for n in range(3)] for b in range(5)]
    batches[2][1] = operation("2-1", price="dear")
    gate = _Gate()
    sent = gate.send(node, index_name, batches)
    assert gate.sizes == [3, 12]
    for batch, outcomes in zip(batches, sent, strict=True):
        assert isinstance(outcomes, list)
        assert [outcome.operation for outcome in outcomes] == batch
        assert [o.operation.id for o in outcomes if not o.written] == (
            ["2-1"] if batch is batches[2] else []
        )
    assert len(stored(es, index_name)) == 14


def test_together_they_are_no_larger_than_a_request_may_be(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    batches = [[operation(str(b), title="x" * 1000)] for b in range(6)]
    gate = _Gate()
    gate.send(node, index_name, batches, max_bytes=2_500)
    assert gate.sizes == [1, 2, 2, 1]
    assert len(stored(es, index_name)) == 6


def test_what_one_is_refused_for_is_not_held_against_the_others(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    """An id over 512 bytes makes Elasticsearch refuse the whole request."""
    batches = [[operation(str(n))] for n in range(4)]
    batches[2] = [operation("x" * 513)]
    sent = _Gate().send(node, index_name, batches)
    written = [[outcome.written for outcome in each] for each in sent if isinstance(each, list)]
    assert written == [[True], [True], [False], [True]]
    assert set(stored(es, index_name)) == {"0", "1", "3"}


def test_an_error_reaches_every_thread(node: EmbeddedNode, index_name: str) -> None:
    def fault(_path: str, _body: bytes, _ask: Forward) -> Answer | None:
        return refusal(403)

    sent = _Gate(fault).send(node, index_name, [[operation(str(n))] for n in range(4)])
    assert [type(each) for each in sent] == [ElasticsearchError] * 4
