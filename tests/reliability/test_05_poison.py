"""5. A bad row rejects no other row, wherever it is and whichever server refuses it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import (
    FaultyProxy,
    Forward,
    bulk_answer,
    error_item,
    operations_of,
    refusal,
)
from tests.fakes.http import Answer, json_answer
from tests.ingest.conftest import Shop

ROWS = 500
# What the bad row breaks: the row itself, at the embedding server (which refuses the whole
# batch), in the bulk request (refused as a whole), in one item of its answer.
KINDS = ("clean", "embed", "request", "item")
STAGES = {"clean": "clean", "embed": "embed", "request": "bulk", "item": "bulk"}


class Poison:
    """Refuses requests that hold a poison row, and counts the refusals."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()

    def in_elasticsearch(self, path: str, body: bytes, ask: Forward) -> Answer | None:
        if "/_bulk" not in path:
            return None
        if b"poison-request" in body:
            self.refusals["request"] += 1
            return refusal(400)
        if b"poison-item" not in body:
            return None
        self.refusals["item"] += 1
        operations = operations_of(body)
        passed = b"".join(lines for _, lines in operations if b"poison-item" not in lines)
        answered = iter(ask(passed).json()["items"] if passed else [])
        items = [
            error_item(id_, 400) if b"poison-item" in lines else next(answered)
            for id_, lines in operations
        ]
        return bulk_answer(items)

    def in_embedding(self, request: dict[str, Any], _number: int) -> Any:
        if not any("poison-embed" in text for text in request["input"]):
            return None
        self.refusals["embed"] += 1
        return json_answer(400, {"error": {"message": "this text is not for me"}})


def _rows(place: int, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"id": f"{place}-{n}", "title": f"Product {n}", "price": 1.5} for n in range(ROWS)
    ]
    rows[place] |= {"price": "12,99"} if kind == "clean" else {"title": f"poison-{kind}"}
    return rows


@pytest.mark.parametrize(
    "places",
    [
        range(0, ROWS, 63),
        pytest.param(range(ROWS), marks=pytest.mark.soak),
    ],
    ids=["8 places", "500 places"],
)
def test_a_poison_row_is_one_dead_letter(node: EmbeddedNode, open_shop: Any, places: range) -> None:
    poison = Poison()
    with FaultyProxy(node.url, poison.in_elasticsearch) as proxy:
        shop: Shop = open_shop(
            url=proxy.url, fault=poison.in_embedding, embedding={"batch_size": 32}
        )
        for trial, place in enumerate(places):
            kind = KINDS[trial % len(KINDS)]
            before = Counter(poison.refusals)
            tally = shop.load(_rows(place, kind))
            assert (tally.created, tally.rejected) == (ROWS - 1, 1), (place, kind)
            letter = shop.dead_letters[-1]
            assert (letter["id"], letter["stage"]) == (f"{place}-{place}", STAGES[kind])
            assert len(shop.dead_letters) == trial + 1
            assert set(poison.refusals - before) == {kind} - {"clean"}, "the poison did not work"
    assert shop.es.count(index=shop.settings.index.name)["count"] == len(places) * (ROWS - 1)
