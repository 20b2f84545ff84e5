"""8. Never a wrong vector, whatever the embedding server answers."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.fakes.embedding import embeddings_body, vector_of
from tests.fakes.http import DROP, Answer, json_answer
from tests.ingest.conftest import DIMS, Shop, as_vector

TIMEOUT = 2.0
BATCH = 4


def _answer(texts: Sequence[str], spoil: Callable[[list[Any]], list[Any]]) -> Answer:
    """A good answer with its items spoilt."""
    body = embeddings_body([vector_of(text, DIMS) for text in texts])
    body["data"] = spoil(body["data"])
    return json_answer(200, body)


def _of_vectors(vectors: Sequence[Any]) -> Answer:
    return json_answer(200, embeddings_body(vectors))


def _slow(_texts: Sequence[str]) -> Answer:
    time.sleep(1.5 * TIMEOUT)
    return DROP


def _cut(texts: Sequence[str]) -> Answer:
    body = _answer(texts, lambda items: items).body
    return Answer(200, body[: len(body) // 2])


# A wrong vector at the right index cannot be detected and is no fault here.
FAULTS: dict[str, Callable[[Sequence[str]], Answer]] = {
    "drop": lambda texts: DROP,
    "429": lambda texts: json_answer(429, {}),
    "429 with Retry-After": lambda texts: Answer(429, b"{}", {"Retry-After": "1"}),
    "500": lambda texts: json_answer(500, {}),
    "slow": _slow,
    "cut JSON": _cut,
    "wrong dims": lambda texts: _of_vectors([vector_of(text, DIMS // 2) for text in texts]),
    "NaN": lambda texts: _of_vectors([np.full(DIMS, np.nan, np.float32) for _ in texts]),
    "zero": lambda texts: _of_vectors([np.zeros(DIMS, np.float32) for _ in texts]),
    "too few": lambda texts: _answer(texts, lambda items: items[:-1]),
    "shuffled": lambda texts: _answer(texts, lambda items: items[::-1]),
    "duplicated index": lambda texts: _answer(texts, lambda items: [*items[:-1], items[0]]),
}


class OneInFive:
    """Every fifth request gets a fault, each kind equally often.

    Attributes:
        fired: Kind of fault -> how often it occurred.
    """

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._deck: list[str] = []
        self._lock = threading.Lock()
        self.fired: Counter[str] = Counter()

    def __call__(self, request: dict[str, Any], number: int) -> Answer | None:
        if number <= 5 or number % 5:  # the first ones tell dims and canaries
            return None
        with self._lock:
            if not self._deck:
                self._deck = list(FAULTS)
                self._dice.shuffle(self._deck)
            kind = self._deck.pop()
            self.fired[kind] += 1
        return FAULTS[kind](request["input"])


@pytest.mark.parametrize("products", [240, pytest.param(2_000, marks=pytest.mark.soak)])
def test_every_stored_vector_is_the_right_one(open_shop: Any, products: int) -> None:
    faults = OneInFive(seed=products)
    shop: Shop = open_shop(
        fault=faults,
        embedding={
            "batch_size": BATCH, "max_retries": 5, "timeout": TIMEOUT, "concurrency": 8
        },
    )  # fmt: skip
    rows = [{"id": f"P{n}", "title": f"Product {n}"} for n in range(products)]
    assert shop.load(rows).created == products
    assert set(faults.fired) == set(FAULTS), "not every fault fired"
    assert faults.fired.total() >= len(shop.server.requests) // 5 - 1
    stored = shop.stored()
    assert len(stored) == products
    for number in range(products):
        title = f"Product {number}"
        np.testing.assert_allclose(
            as_vector(stored[f"P{number}"]), vector_of(title, DIMS), rtol=1e-4, atol=1e-6
        )
