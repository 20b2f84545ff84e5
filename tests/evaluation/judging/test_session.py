"""The blind order, what comes next, and how far judging is."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.evaluation.judging.session import blind_order, next_item, progress
from es_hybrid.evaluation.judging.store import JudgementStore, llm_name
from tests.evaluation.judging.items import item

POOL = [item(query_id, str(id_)) for query_id in ("q2", "q1") for id_ in range(20)]


def test_the_order_of_products_is_blind_and_that_of_queries_stays() -> None:
    ordered = blind_order(POOL, "Ann")
    assert sorted(each.pair for each in ordered) == sorted(each.pair for each in POOL)
    assert [each.query_id for each in ordered] == ["q2"] * 20 + ["q1"] * 20
    assert ordered == blind_order(list(POOL), "Ann")
    ids = [each.id for each in ordered[:20]]
    assert ids != [each.id for each in POOL[:20]]
    assert ids != [each.id for each in ordered[20:]]
    assert ids != [each.id for each in blind_order(POOL, "Bob")[:20]]


def test_each_judge_gets_what_he_has_not_judged(tmp_path: Path) -> None:
    store = JudgementStore(tmp_path / "judgements.jsonl")
    first, second, third = blind_order(POOL, "Ann")[:3]
    store.judge(first, 1, "Ann")
    store.judge(second, 1, "Bob")
    assert next_item(POOL, store.read(), "Ann") == second
    assert next_item(POOL, store.read(), "Ann", {second.pair}) == third
    for each in POOL:
        store.judge(each, 1, "Ann")
    assert next_item(POOL, store.read(), "Ann") is None
    assert next_item(POOL, store.read(), "Bob") is not None


def test_progress_counts_people_only(tmp_path: Path) -> None:
    store = JudgementStore(tmp_path / "judgements.jsonl")
    for number, each in enumerate(POOL[:4]):
        store.judge(each, number, "Ann")
    for number, each in enumerate(POOL[:2]):
        store.judge(each, number, "Bob")
    store.append(POOL[9], 0, llm_name("qwen"))
    state = progress(POOL, store.read(), "Bob")
    assert (state.mine, state.judged, state.total) == (2, 4, 40)
    assert state.alpha == pytest.approx(1)
    assert progress(POOL, {}, "Bob").alpha is None
