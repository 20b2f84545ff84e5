"""Randomly mutated valid bodies: no answer is a 5xx."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.live import AGGS, JSON, LEAF
from tests.serve.running import ask

NEIGHBOURS = {
    "knn": {
        "field": "embedding",
        "query_vector_builder": {"text_embedding": {"model_id": "a", "model_text": "red"}},
        "k": 2,
        "num_candidates": 3,
        "filter": {"term": {"brand": "a"}},
    }
}
BODIES: list[dict[str, Any]] = [
    {
        "retriever": {"rrf": {"retrievers": [LEAF, NEIGHBOURS], "rank_window_size": 20}},
        "size": 3,
        "from": 1,
        "aggs": AGGS,
        "highlight": {"fields": {"title": {}}},
        "explain": True,
        "_source": ["title"],
        "post_filter": {"term": {"brand": "a"}},
    },
    {
        "retriever": {
            "linear": {
                "retrievers": [
                    {"retriever": LEAF, "weight": 2, "normalizer": "minmax"},
                    {"retriever": NEIGHBOURS, "weight": 1.5},
                ],
                "rank_window_size": 20,
            }
        },
        "collapse": {"field": "brand"},
    },
    {
        "retriever": {
            "text_similarity_reranker": {
                "retriever": LEAF,
                "field": "title",
                "inference_text": "red",
                "min_score": 0.1,
            }
        },
        "profile": True,
    },
    {"retriever": {"pinned": {"ids": ["1"], "retriever": LEAF}}, "fields": ["title"]},
    {"retriever": {"rrf": {"fields": ["title^2", "brand.text"], "query": "red"}}},
    {
        "query": {"bool": {"must": LEAF["standard"]["query"], "filter": [{"term": {"lang": "a"}}]}},
        "sort": [{"price": "asc"}],
        "ext": {"es_hybrid": {"text": "red", "window": 20, "weights": [1, 2], "cutoff": 0.2}},
        "collapse": {"field": "brand", "inner_hits": {"name": "x"}},
        "suggest": {"s": {"text": "rad", "term": {"field": "title"}}},
    },
]  # fmt: skip
# Replaced in the text, as Python cannot write the deepest.
DEEP = {f"@{levels}": levels for levels in (30, 150, 1100)}
JUNK: list[Any] = [
    None, [], {}, "", 0, -1, 1e300, True, "red", [None], [[]], {"a": 1}, 10**30, "*", ["a"], 2**31,
    "\ud83d", ["a\udc00"], {"\ud800": 1}, 10**400, -(2**63) - 1, 1e-320, "x" * 20_000,
    *DEEP,
]  # fmt: skip
NAMES = ["nonsense", "retriever", "query", "filter", "size", "ext", "knn", "sort"]


@pytest.mark.parametrize("seed", range(4))
def test_no_mutated_search_is_a_server_error(served: str, products: str, seed: int) -> None:
    dice = random.Random(seed)
    statuses: Counter[int] = Counter()
    for _ in range(100):
        body = mutated(dice.choice(BODIES), dice)
        text = written(body)
        got = ask(served, f"/{products}/_search", method="POST", body=text, headers=JSON)
        assert got.status < 500, text[:2000]
        statuses[got.status] += 1
    assert set(statuses) >= {200, 400}  # the mutation broke some, but not all


def mutated(body: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The body with one to three changes, removals or additions."""
    body = copy.deepcopy(body)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        holder, key = dice.choice(list(places(body)))
        junk = copy.deepcopy(dice.choice(JUNK))
        match dice.choice(["change", "change", "change", "drop", "add"]):
            case "change":
                holder[key] = junk
            case "drop" if len(body) > 1:
                del holder[key]
            case _ if isinstance(holder, dict):
                holder[dice.choice(NAMES)] = junk
            case _:
                holder.append(junk)
    return body


def written(body: dict[str, Any]) -> bytes:
    text = json.dumps(body)
    for name, levels in DEEP.items():
        text = text.replace(f'"{name}"', '{"bool":' * levels + "1" + "}" * levels)
    return text.encode()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every object and list in a value, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])
