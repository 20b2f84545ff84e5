"""4. Every row gets exactly one verdict, and nothing that succeeded is sent again."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from es_hybrid import waiting
from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import (
    FaultyProxy,
    Forward,
    bulk_answer,
    error_item,
    kind_of,
    operations_of,
)
from tests.fakes.http import Answer
from tests.ingest.conftest import Shop

INJECTED = (400, 403, 404, 409, 429, 503)
BATCH = 8


class Mixer:
    """Forwards or refuses each operation of a bulk request at random.

    Attributes:
        mixes: Bulk requests answered in this way.
        injected: Status -> how often it was injected.
        taken: Ids of the documents that the node wrote, in order.
        last: Id -> kind and status of the last answer about it.
    """

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self.on = False
        self.mixes = 0
        self.injected: Counter[int] = Counter()
        self.answered: Counter[int] = Counter()
        self.taken: list[str] = []
        self.last: dict[str, tuple[str, int]] = {}

    def __call__(self, path: str, body: bytes, ask: Forward) -> Answer | None:
        if "/_bulk" not in path or not self.on:
            return None
        self.mixes += 1
        operations = operations_of(body)
        fates = [
            self._dice.choice(INJECTED) if self._dice.random() < 0.5 else None for _ in operations
        ]
        passed = [lines for (_, lines), fate in zip(operations, fates, strict=True) if not fate]
        answered = iter(ask(b"".join(passed)).json()["items"] if passed else [])
        items = [
            error_item(id_, fate, kind_of(lines)) if fate else next(answered)
            for (id_, lines), fate in zip(operations, fates, strict=True)
        ]
        for (id_, lines), item, fate in zip(operations, items, fates, strict=True):
            kind = kind_of(lines)
            status = item[kind]["status"]
            self.answered[status] += 1
            self.last[id_] = kind, status
            if fate:
                self.injected[fate] += 1
            elif status < 300:
                self.taken.append(id_)
        return bulk_answer(items)


@pytest.mark.parametrize("mixes", [30, pytest.param(500, marks=pytest.mark.soak)])
def test_the_verdicts_add_up_whatever_a_cluster_answers(
    node: EmbeddedNode, open_shop: Any, monkeypatch: pytest.MonkeyPatch, mixes: int
) -> None:
    monkeypatch.setattr(waiting, "_FIRST", 0.01)
    mixer = Mixer(seed=mixes)
    rows = [{"id": f"P{n}", "title": f"Product {n}"} for n in range(mixes * BATCH)]
    with FaultyProxy(node.url, mixer) as proxy:
        shop: Shop = open_shop(
            url=proxy.url,
            ingest={"max_rejected_in_a_row": None, "max_rejected_share": 1.0},
            embedding={"batch_size": BATCH},
        )
        old = [row | {"title": "Old"} for row in rows[::3]]
        assert shop.load(old).created == len(old)
        mixer.on = True
        tally = shop.load(rows)
    assert mixer.mixes >= mixes
    assert set(mixer.injected) == set(INJECTED)
    assert {200, 201, *INJECTED} <= set(mixer.answered)
    assert tally.ended == tally.rows == len(rows)
    assert len(mixer.taken) == len(set(mixer.taken)), "what had succeeded was sent again"
    assert tally.created + tally.updated == len(mixer.taken)

    # The last answer about a row decides its verdict.
    assert set(mixer.last) == {row["id"] for row in rows}
    assert tally.superseded == sum(last == ("index", 409) for last in mixer.last.values())
    refused = {id_ for id_, (_, status) in mixer.last.items() if status in (400, 403, 404)}
    refused |= {id_ for id_, last in mixer.last.items() if last == ("update", 409)}
    assert {letter["id"] for letter in shop.dead_letters} == refused
    assert tally.rejected == len(shop.dead_letters) == len(refused)
    titles = {id_: document["title"] for id_, document in shop.stored().items()}
    assert all(titles[id_] == f"Product {id_[1:]}" for id_ in mixer.taken)
