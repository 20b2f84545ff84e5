"""Hits spread over pages against plain readings of the rules, and the reading of their vectors."""

from __future__ import annotations

import base64
import random
import re
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.abilities import Accepting
from es_hybrid.retrieval.execution.diversify import Floats
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking
from es_hybrid.retrieval.execution.spread import LimitedValues, by_pages, diverse
from es_hybrid.retrieval.execution.stored_vectors import hits_with_vectors, vector_of
from es_hybrid.retrieval.needs import Call, Need, Reply
from es_hybrid.retrieval.plan import Key
from tests.retrieval.live import Row, Searcher


def _ranking(scores: Sequence[float]) -> Ranking:
    return [Ranked(Key("a", str(n)), score, (n, n)) for n, score in enumerate(scores)]


def expected_pages(
    ids: Sequence[str],
    values: Mapping[str, set[tuple[str, str]]],
    limits: Mapping[str, int],
    size: int,
    fixed: int,
) -> list[str]:
    """One place after the other, each with the best hit that may have it."""
    left, lifted = list(ids), False
    laid: list[str] = []
    while left:
        page = laid[len(laid) - len(laid) % size :]
        shown = Counter(value for id_ in page for value in values[id_])
        if len(laid) < fixed or lifted:
            laid.append(left.pop(0))
            continue
        fits = [
            id_ for id_ in left if all(shown[value] < limits[value[0]] for value in values[id_])
        ]
        if not fits:
            lifted = True
            continue
        laid.append(fits[0])
        left.remove(fits[0])
    return laid


def test_pages_agree_with_the_rule_on_random_catalogues() -> None:
    rng = random.Random(3)
    lifted = 0
    for _ in range(500):
        count, size = rng.randint(0, 40), rng.randint(1, 12)
        limits = {field: rng.randint(1, 4) for field in rng.sample(["brand", "category"], 2)}
        names = {"brand": rng.randint(1, 8), "category": rng.randint(1, 5)}
        values = {
            str(n): {
                (field, str(rng.randrange(names[field])))
                for field in limits
                for _ in range(rng.choice([0, 1, 1, 1, 2]))
            }
            for n in range(count)
        }
        fixed = rng.randint(0, min(3, count))
        ranking = _ranking([1.0] * count)
        by_key: dict[Key, LimitedValues] = {
            hit.key: frozenset(values[hit.key.id]) for hit in ranking
        }
        spread = by_pages(ranking, by_key, limits, size, fixed)
        ids = [hit.key.id for hit in ranking]
        assert [hit.key.id for hit in spread] == expected_pages(ids, values, limits, size, fixed)
        lifted += spread != ranking
    assert lifted > 200


def expected_order(
    scores: Sequence[float],
    vectors: Mapping[int, Sequence[float]],
    diversity: float,
    fixed: int,
) -> list[int]:
    """Maximal marginal relevance in doubles, over numbers of hits."""
    organic = scores[fixed:]
    low, high = min(organic), max(organic)
    relevance = {
        n: 1.0 if high - low < 1e-6 else (scores[n] - low) / (high - low)
        for n in range(fixed, len(scores))
    }

    def cosine(one: int, other: int) -> float:
        if one not in vectors or other not in vectors:
            return 0.0
        a, b = np.array(vectors[one], np.float64), np.array(vectors[other], np.float64)
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))

    order = list(range(max(fixed, 1)))
    while len(order) < len(scores):
        left = [n for n in range(len(scores)) if n not in order]
        order.append(max(left, key=lambda n: (1 - diversity) * relevance[n] - diversity * max(
            cosine(n, above) for above in order)))  # fmt: skip
    return order


def test_diversity_agrees_with_the_definition() -> None:
    rng = random.Random(4)
    moved = 0
    for _ in range(300):
        count, dims = rng.randint(2, 14), rng.randint(2, 6)
        scores = sorted((rng.random() for _ in range(count)), reverse=True)
        stored = {
            n: [rng.uniform(-1, 1) for _ in range(dims)] for n in range(count) if rng.random() < 0.9
        }
        fixed, diversity = rng.randint(0, min(2, count - 1)), rng.choice([0.1, 0.3, 0.5, 0.8, 1.0])
        ranking = _ranking([2.0**127 * 1.5] * fixed + scores[fixed:])
        vectors: dict[Key, Floats] = {
            Key("a", str(n)): np.array(vector, np.float32) for n, vector in stored.items()
        }
        order = [hit.key.id for hit in diverse(ranking, vectors, diversity, fixed)]
        expected = expected_order(scores, stored, diversity, fixed) if stored else range(count)
        assert order == list(map(str, expected))
        moved += order != sorted(order, key=int)
    assert moved > 150


def test_hits_that_a_stage_did_not_score_are_no_more_relevant_than_those_above() -> None:
    vectors = {Key("a", str(n)): np.eye(3, dtype=np.float32)[n] for n in range(3)}
    spread = diverse(_ranking([0.2, 0.1, 0.9]), vectors, 0.1, 0)
    assert [hit.key.id for hit in spread] == ["0", "1", "2"]


def _answered(
    search: Generator[Need, Any, Sequence[Mapping[str, Any]]], *replies: Reply
) -> tuple[list[Call], Sequence[Mapping[str, Any]]]:
    sent = [next(search)]
    for reply in replies:
        try:
            sent.append(search.send(reply))
        except StopIteration as end:
            assert all(isinstance(call, Call) for call in sent)
            return sent, end.value  # type: ignore[return-value]
    raise AssertionError("more requests than replies")


def _ask(body: Mapping[str, Any]) -> Call:
    return Call("POST", "/i/_search", {}, body)


def _reply(values: Any) -> Reply:
    return Reply(200, {"hits": {"hits": [{"_index": "i", "_id": "1", "fields": {"v": values}}]}})


def test_an_older_cluster_is_asked_for_numbers_and_only_once_for_bytes() -> None:
    packed = Accepting()
    refused = Reply(400, {"error": {"type": "illegal_argument_exception", "reason": "no"}})
    sent, hits = _answered(
        hits_with_vectors({}, "v", "i", _ask, packed), refused, _reply([1.0, 2.0])
    )
    assert [list(call.body) for call in sent] == [["docvalue_fields"], ["fields"]]  # type: ignore[arg-type]
    vector = vector_of(hits[0], "v")
    assert vector is not None
    assert vector.tolist() == [1.0, 2.0]
    sent, _ = _answered(hits_with_vectors({}, "v", "i", _ask, packed), _reply([1.0, 2.0]))
    assert [list(call.body) for call in sent] == [["fields"]]  # type: ignore[arg-type]


def test_a_search_that_is_refused_in_both_forms_says_nothing_about_the_form() -> None:
    packed = Accepting()
    refused = Reply(403, {"error": {"type": "security_exception", "reason": "no"}, "status": 403})
    with pytest.raises(RequestRefused, match="no"):
        _answered(hits_with_vectors({}, "v", "i", _ask, packed), refused, refused)
    assert "i" in packed


@pytest.mark.parametrize(
    "values",
    [
        [1.0, -2.5],
        [[1.0, -2.5]],
        [base64.b64encode(np.array([1, -2.5], ">f4").tobytes()).decode()],
    ],
)
def test_vectors_are_read_in_every_form(values: Any) -> None:
    vector = vector_of({"fields": {"v": values}}, "v")
    assert vector is not None
    assert vector.tolist() == [1.0, -2.5]
    assert vector_of({}, "v") is None


def _body(**extension: Any) -> dict[str, Any]:
    query = {"match": {"title": "red kettle shoe"}}
    options = {"text": "red kettle", "window": 60, **extension}
    return {"query": query, "size": 10, "ext": {"es_hybrid": options}}


def test_a_body_is_spread_in_the_round_trip_of_its_leaves(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    plain = searcher.answer(_body() | {"size": 60})
    ids = [hit["_id"] for hit in plain.hits]
    values = {id_: {("brand", products[id_]["brand"])} for id_ in ids}
    expected = expected_pages(ids, values, {"brand": 2}, 10, 0)
    shown: list[str] = []
    for page in range(6):
        found = searcher.answer(_body(limit_per={"brand": 2}) | {"from": page * 10})
        assert searcher.paths[-2:] == ["POST _msearch", "POST _search"]
        assert not any("fields" in hit for hit in found.hits)
        shown += [hit["_id"] for hit in found.hits]
    assert shown == expected != ids
    asked = searcher.answer(_body(limit_per={"brand": 2}) | {"fields": ["brand"]})
    assert [hit["fields"]["brand"] for hit in asked.hits] == [
        [products[id_]["brand"]] for id_ in expected[:10]
    ]


def test_limits_on_candidates_are_those_of_the_ranking(
    searcher: Searcher, products: dict[str, Row]
) -> None:
    ids = [hit["_id"] for hit in searcher.answer(_body(cutoff=0.1) | {"size": 60}).hits]
    values = {id_: {("brand", products[id_]["brand"])} for id_ in ids}
    found = searcher.answer(_body(cutoff=0.1, limit_per={"brand": 1}) | {"from": 10})
    expected = expected_pages(ids, values, {"brand": 1}, 10, 0)[10:20]
    assert [hit["_id"] for hit in found.hits] == expected


@pytest.mark.parametrize("options", [{}, {"cutoff": 0.0}])
def test_diversity_of_a_body_without_a_passport_is_noted_and_left_out(
    searcher: Searcher, options: dict[str, Any]
) -> None:
    plain = searcher.answer(_body(**options))
    found = searcher.answer(_body(diversity=0.5, **options))
    assert [hit["_id"] for hit in found.hits] == [hit["_id"] for hit in plain.hits]
    assert found.notes[0].startswith("diversity: the index has no passport")


def test_a_search_without_limits_and_diversity_is_sent_as_ever(searcher: Searcher) -> None:
    searcher.answer(_body())  # learns that the index is one shard
    searcher.answer(_body())
    plain = searcher.sent("_msearch")
    searcher.answer(_body(limit_per={}, diversity=0))
    assert searcher.sent("_msearch") == plain
    assert "spread" not in searcher.answer(_body(limit_per={}, diversity=0)).stages


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ({"limit_per": {"brand": 0}}, r"\[brand\] must be 1 or more, found \[0\]"),
        ({"limit_per": {"brand": "x"}}, "brand"),
        ({"limit_per": 3}, "limit_per"),
        ({"diversity": 1.5}, r"\[diversity\] must be in \[0, 1\], found \[1.5\]"),
    ],
)
def test_what_is_out_of_range_is_refused(
    searcher: Searcher, option: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        searcher.answer(_body(**option))
    assert re.search(reason, str(refused.value.body()))


def test_the_explanation_says_where_a_hit_was(searcher: Searcher) -> None:
    found = searcher.answer(_body(limit_per={"brand": 1}) | {"explain": True, "size": 5})
    for rank, hit in enumerate(found.hits, 1):
        before, explained = found.stages["rrf"], hit["_explanation"]
        assert explained["value"] == hit["_score"]
        key = Key(hit["_index"], hit["_id"])
        assert explained["description"].startswith(
            f"rank [{rank}] in place of [{before[key].rank}], spread by at most 1 of each brand"
        )
