"""The order of `random_reranker`, against numbers that Java is known to make."""

from __future__ import annotations

import numpy as np
import pytest

from es_hybrid.retrieval.execution.fuse import Ranked
from es_hybrid.retrieval.execution.random_rerank import next_float, shuffled
from es_hybrid.retrieval.execution.requests import NO_PLACE
from es_hybrid.retrieval.plan import Key


@pytest.mark.parametrize(
    ("seed", "number"), [(0, -1155484576), (1, -1155869325), (42, -1170105035)]
)
def test_java_s_first_random_number(seed: int, number: int) -> None:
    """`nextInt()` is known; `nextFloat()` is made of its first 24 bits."""
    assert next_float(seed) == ((number & 0xFFFFFFFF) >> 8) / 2**24


def _hits(places: list[int]) -> list[Ranked]:
    return [Ranked(Key("a", str(n)), 1.0, (place, n)) for n, place in enumerate(places)]


def test_each_score_depends_on_the_seed_and_the_position() -> None:
    (hit,) = shuffled(_hits([7]), 35)
    assert hit.score == next_float(42) == float(np.float32(hit.score))
    shard = 3 << 32
    (elsewhere,) = shuffled(_hits([shard + 7]), 35)
    assert elsewhere.score == hit.score
    (unseeded,) = shuffled(_hits([42]), None)
    assert unseeded.score == hit.score
    overflow = shuffled(_hits([1]), 2**31 - 1)[0]
    assert overflow.score == next_float(-(2**31))


def test_the_best_score_comes_first() -> None:
    hits = shuffled(_hits([*range(20), NO_PLACE]), 4)
    assert len({hit.key for hit in hits}) == 21
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.key for hit in hits] != [Key("a", str(n)) for n in range(21)]
