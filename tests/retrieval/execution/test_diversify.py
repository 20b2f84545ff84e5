"""Maximal marginal relevance against a plain reading of its definition."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from es_hybrid.retrieval.execution.diversify import diversified, similarity, vectors_of
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking
from es_hybrid.retrieval.nodes import Diversify, Standard
from es_hybrid.retrieval.plan import Key


def _key(number: int) -> Key:
    return Key("a", str(number))


def _ranking(count: int) -> Ranking:
    return [Ranked(_key(n), float(count - n), (n, n)) for n in range(count)]


def _node(size: int, lambda_: float, vector: list[float] | None = None) -> Diversify:
    return Diversify(child=Standard(), field="v", lambda_=lambda_, size=size, vector=vector)


def _score(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return 1 / (1 - dot) if dot < 0 else dot + 1


def _expected(
    vectors: dict[int, list[float]], query: list[float] | None, lambda_: float, size: int
) -> list[int]:
    """The numbers of the chosen hits, in exact arithmetic as far as doubles go."""
    relevance = {n: _score(v, query) if query else 0.0 for n, v in vectors.items()}
    chosen = [max(sorted(vectors), key=lambda n: relevance[n])] if vectors else []
    while len(chosen) < min(size, len(vectors)):
        left = [n for n in sorted(vectors) if n not in chosen]
        chosen.append(max(left, key=lambda n: lambda_ * relevance[n] - (1 - lambda_) * max(
            _score(vectors[n], vectors[c]) for c in chosen)))  # fmt: skip
    return sorted(chosen)


def test_it_agrees_with_the_definition() -> None:
    rng = random.Random(5)
    for trial in range(200):
        count, dims = rng.randint(1, 12), rng.randint(2, 5)
        vectors = {
            n: [rng.uniform(-1, 1) for _ in range(dims)] for n in range(count) if rng.random() < 0.9
        }
        query = [rng.uniform(-1, 1) for _ in range(dims)] if trial % 3 else None
        lambda_, size = rng.random(), rng.randint(1, 12)
        kept = diversified(
            _node(size, lambda_, query), _ranking(count), {_key(n): v for n, v in vectors.items()}
        )
        expected = _expected(vectors, query, lambda_, size)
        assert [hit.key for hit in kept] == [_key(n) for n in expected]
        assert [hit.score for hit in kept] == [float(count - n) for n in expected]


def test_of_equal_hits_the_first_is_chosen() -> None:
    same = {_key(n): [1.0, 0.0] for n in range(6)}
    kept = diversified(_node(3, 0.5, [1.0, 0.0]), _ranking(6), same)
    assert [hit.key.id for hit in kept] == ["0", "1", "2"]


def test_hits_without_a_vector_are_dropped() -> None:
    hits: dict[Key, dict[str, Any]] = {
        _key(0): {"fields": {"v": [1.0, 0.0]}},
        _key(1): {"fields": {"other": [1.0]}},
        _key(2): {},
        _key(3): {"fields": {"v": ["red"]}},
    }
    vectors = vectors_of(hits, "v")
    assert list(vectors) == [_key(0)]
    assert [hit.key.id for hit in diversified(_node(3, 0.5), _ranking(4), vectors)] == ["0"]
    assert diversified(_node(3, 0.5), _ranking(4), {}) == []


def test_the_similarity_is_lucene_s() -> None:
    stored = np.array([[1, 1], [-1, 0], [0, 0]], dtype=np.float32)
    scores = similarity(stored, np.array([2, 1], dtype=np.float32))
    assert scores.tolist() == [4.0, np.float32(1) / np.float32(3), 1.0]
    assert scores.dtype == np.float32
