from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from es_hybrid.errors import ElasticsearchError, Outage
from es_hybrid.index.document import from_document, text_hash
from es_hybrid.node import EmbeddedNode
from es_hybrid.records import Product
from ingest.load import job
from ingest.load.run import LoadRun, LocalRunner
from ingest.load.slices import cut
from ingest.record.dead_letters import DeadLetters
from ingest.record.error_budget import ErrorBudget
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing import BulkWriter, Operation, Outcome
from tests.fakes.elasticsearch import FaultyProxy, Forward, bulk_answer, error_item, operations_of
from tests.fakes.embedding import vector_of
from tests.fakes.http import DROP, Answer, json_answer
from tests.ingest.conftest import DIMS, Shop, as_vector
from tests.ingest.parts import bare_worker, open_ledger

OpenShop = Callable[..., Shop]


def products(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"P{n}", "title": f"Product number {n}", "price": n + 0.5} | fields
        for n in range(count)
    ]


def ends(tally: Tally) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "superseded", "rejected")
    assert tally.ended == tally.rows
    return {name: count for name in names if (count := getattr(tally, name))}


def assert_vectors_are_right(shop: Shop) -> None:
    for document in shop.stored().values():
        text = next(text for text in shop.server.texts if text_hash(text) == document["text_hash"])
        np.testing.assert_allclose(as_vector(document), vector_of(text, DIMS), atol=1e-6)


def test_a_first_load_makes_the_index_and_stores_every_product(open_shop: OpenShop) -> None:
    shop = open_shop()
    tally = shop.load(products(50, attributes={"size": "M"}))
    assert ends(tally) == {"created": 50}
    assert shop.said == [
        f"created index {shop.settings.index.name}-v0001 behind the alias "
        f"{shop.settings.index.name}: 64 dims of {shop.settings.embedding.model}"
    ]
    stored = shop.stored()
    assert set(stored) == {f"P{n}" for n in range(50)}
    text = next(text for text in shop.server.texts if "Product number 7." in f"{text}.")
    vector = stored["P7"].pop("embedding")
    assert len(vector) == DIMS
    assert stored["P7"] == {
        "title": "Product number 7",
        "price": 7.5,
        "lang": "en",
        "attributes": {"size": "M"},
        "text_hash": text_hash(text),
    }
    assert_vectors_are_right(shop)
    assert set(tally.seconds) == {"clean", "look up", "embed", "bulk"}
    assert tally.embedded == 50


def test_a_second_load_writes_and_embeds_nothing(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(30))
    embedded = len(shop.server.texts)
    assert ends(shop.load(products(30))) == {"unchanged": 30}
    # Only the three canaries are embedded again.
    assert not any(text.startswith("Product") for text in shop.server.texts[embedded:])


def test_other_fields_change_without_embedding_and_without_remains(open_shop: OpenShop) -> None:
    shop = open_shop(ingest={"text_template": ("title",)})
    row = {
        "id": "1",
        "title": "Kettle",
        "price": 5,
        "brand": "A",
        "attributes": {"a": "1", "b": "2"},
    }
    other = {"id": "2", "title": "Cup"}
    shop.load([row, other])
    before = shop.stored()["1"]
    count = shop.server.texts.count("Kettle")
    changed = {"id": "1", "title": "Kettle", "price": 4, "attributes": {"b": "3"}}
    assert ends(shop.load([changed, other])) == {"updated": 1, "unchanged": 1}
    after = shop.stored()["1"]
    assert shop.server.texts.count("Kettle") == count
    assert after["embedding"] == before["embedding"]
    # Elasticsearch merges a patch, so a removed field stays as a null.
    assert {name: after[name] for name in after if name != "embedding"} == {
        "title": "Kettle",
        "price": 4.0,
        "brand": None,
        "lang": "en",
        "attributes": {"a": None, "b": "3"},
        "text_hash": before["text_hash"],
    }
    assert from_document("1", after) == Product(
        id="1", title="Kettle", price=4.0, lang="en", attributes={"b": "3"}
    )
    assert ends(shop.load([changed, other])) == {"unchanged": 2}


def test_a_changed_text_is_embedded_again_alone(open_shop: OpenShop) -> None:
    shop = open_shop()
    rows = products(20)
    shop.load(rows)
    rows[3]["title"] = "Something else"
    embedded = len(shop.server.texts)
    assert ends(shop.load(rows)) == {"updated": 1, "unchanged": 19}
    assert shop.server.texts[embedded:].count("Something else") == 1
    assert not any(text.startswith("Product") for text in shop.server.texts[embedded:])
    assert_vectors_are_right(shop)


@pytest.mark.parametrize("chunk", [2, 500])
@pytest.mark.parametrize("known", [False, True])
def test_of_rows_with_one_id_the_last_wins(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, chunk: int, known: bool
) -> None:
    """Also if the last one equals the document stored before the load."""
    monkeypatch.setattr(job, "_SLICE_ROWS", chunk)
    shop = open_shop()
    dice = random.Random(chunk)
    first = {f"P{n}": f"v{n}" for n in range(10)}
    if known:
        shop.load([{"id": id_, "title": title} for id_, title in first.items()])
    rows = []
    for _ in range(100):
        id_ = f"P{dice.randrange(10)}"
        rows.append({"id": id_, "title": dice.choice([first[id_], "new", "newer"])})
    tally = shop.load(rows)
    last = {row["id"]: row["title"] for row in rows}
    assert {id_: document["title"] for id_, document in shop.stored().items()} == last
    assert tally.ended == tally.rows == 100
    assert tally.rejected == 0
    assert_vectors_are_right(shop)


def test_bad_rows_become_dead_letters_and_their_neighbours_land(open_shop: OpenShop) -> None:
    shop = open_shop()
    rows = products(60)
    rows[10]["price"] = "12,99"
    rows[20]["title"] = " "
    del rows[30]["id"]
    tally = shop.load(rows)
    assert ends(tally) == {"created": 57, "rejected": 3}
    letters = shop.dead_letters
    assert [(letter["stage"], letter["row"]) for letter in letters] == [
        ("clean", rows[10]), ("clean", rows[20]), ("clean", rows[30])
    ]  # fmt: skip
    assert letters[0]["place"].endswith("rows.jsonl:11")
    assert [reason.place for reason in tally.reasons] == [letter["place"] for letter in letters]
    rows[10]["price"], rows[20]["title"], rows[30]["id"] = 12.99, "Title", "P30"
    assert ends(shop.load([rows[10], rows[20], rows[30]])) == {"created": 3}
    assert len(shop.stored()) == 60


def test_what_elasticsearch_refuses_is_a_dead_letter_too(
    node: EmbeddedNode, open_shop: OpenShop
) -> None:
    def fault(path: str, body: bytes, ask: Forward) -> Answer | None:
        if "/_bulk" not in path:
            return None
        operations = operations_of(body)
        passed = b"".join(lines for id_, lines in operations if id_ != "P7")
        answered = iter(ask(passed).json()["items"])
        items = [error_item(id_, 400) if id_ == "P7" else next(answered) for id_, _ in operations]
        return bulk_answer(items)

    with FaultyProxy(node.url, fault) as proxy:
        shop = open_shop(url=proxy.url)
        assert ends(shop.load(products(20))) == {"created": 19, "rejected": 1}
    (letter,) = shop.dead_letters
    assert (letter["id"], letter["stage"], letter["row"]["id"]) == ("P7", "bulk", "P7")
    assert letter["reason"] == "Elasticsearch answered 400: injected 400"


def test_a_mapping_that_takes_nothing_stops_the_load_early(
    node: EmbeddedNode, open_shop: OpenShop
) -> None:
    def fault(path: str, body: bytes, _ask: Forward) -> Answer | None:
        if "/_bulk" not in path:
            return None
        items = [error_item(id_, 400) for id_, _ in operations_of(body)]
        return bulk_answer(items)

    with FaultyProxy(node.url, fault) as proxy:
        shop = open_shop(url=proxy.url)
        with pytest.raises(ElasticsearchError, match="all of the first 8 documents were refused"):
            shop.load(products(20_000))
    assert shop.tally.rows == len(shop.dead_letters) == 8


def test_an_embedding_server_that_dies_costs_nothing_that_was_done(open_shop: OpenShop) -> None:
    dead = True

    def fault(_request: dict[str, Any], number: int) -> Any:
        return json_answer(500, {"error": "gone"}) if dead and number > 40 else None

    shop = open_shop(fault=fault, embedding={"max_retries": 0}, ingest={"max_outage_s": 0.5})
    rows = products(1_200)
    with pytest.raises(Outage, match="es-hybrid ingest resume"):
        shop.load(rows)
    written = shop.tally.written
    assert 200 < written <= 320
    assert len(shop.stored()) == written
    assert shop.tally.ended < shop.tally.rows
    dead = False
    embedded = len(shop.server.texts)
    assert ends(shop.load(rows)) == {"created": 1_200 - written, "unchanged": written}
    products_embedded = [t for t in shop.server.texts[embedded:] if t.startswith("Product")]
    assert len(products_embedded) == 1_200 - written
    assert_vectors_are_right(shop)


def test_an_outage_of_elasticsearch_is_waited_out(
    node: EmbeddedNode, open_shop: OpenShop, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([DROP] * 3)

    def fault(path: str, _body: bytes, _ask: Forward) -> Answer | None:
        return next(failures, None) if "/_bulk" in path else None

    with FaultyProxy(node.url, fault) as proxy:
        shop = open_shop(url=proxy.url)
        assert ends(shop.load(products(40))) == {"created": 40}
        assert len(proxy.bulks) == 3 + 40 / 8
    assert "trying again in" in caplog.text
    assert len(shop.stored()) == 40


class EverythingWritten(BulkWriter):
    """Answers without a cluster."""

    def __init__(self) -> None:
        """Nothing to connect to."""

    def send(self, operations: Sequence[Operation]) -> list[Outcome]:
        return [Outcome(operation, 201, result="created") for operation in operations]


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    def rows(count: int) -> Iterator[Row]:
        for n in range(count):
            values = {
                "id": str(n),
                "title": f"Title {n}",
                "description": f"{n} " * 20,
                "lang": "en",
            }
            yield Row(f"rows.jsonl:{n}", values)

    def peak(count: int) -> int:
        worker = bare_worker()
        worker.writer = EverythingWritten()
        load = LoadRun()
        with (
            open_ledger(tmp_path / f"{count}.sqlite") as ledger,
            closing(LocalRunner(worker)) as runner,
        ):
            slices = cut(rows(count), source=0, first_version=1, size=500, first_size=32)
            tracemalloc.start()
            try:
                load.process(
                    slices,
                    runner=runner,
                    ledger=ledger,
                    dead_letters=DeadLetters(tmp_path / "dead.jsonl", index="none"),
                    budget=ErrorBudget(worker.settings),
                    row_id=worker.cleaner.row_id,
                )
                assert load.tally.created == count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak(1_000)  # imports and caches
    # How many slices are in progress at once is chance; the larger run has more chances.
    assert peak(40_000) <= 1.2 * max(peak(6_000) for _ in range(5))
