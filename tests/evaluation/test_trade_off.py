"""What signals earn, and what they cost."""

from __future__ import annotations

import math
import random

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.differences import difference
from es_hybrid.evaluation.measures import NDCG, measure_lists
from es_hybrid.evaluation.trade_off import (
    WeightFigures,
    choose,
    dominated,
    expected_revenue,
    scaled,
)
from es_hybrid.settings.search import SearchSettings


def test_products_of_equal_value_are_ordered_as_by_dcg() -> None:
    chance = random.Random(7)
    for _ in range(50):
        ids = [f"p{number}" for number in range(20)]
        # Some of them have no judgement.
        grades = {id_: chance.randrange(4) for id_ in chance.sample(ids, 12)} | {"p0": 3}
        earning = {id_: grade / 3 * 50 for id_, grade in grades.items()}
        best = sorted(grades, key=lambda id_: -grades[id_])
        chance.shuffle(ids)
        ndcg = measure_lists([tuple(ids)], grades, NDCG)["nDCG@10"][0]
        assert expected_revenue(ids, earning) == pytest.approx(
            ndcg * expected_revenue(best, earning)
        )


def test_revenue_is_the_discounted_sum_of_the_first_ten() -> None:
    ids = [f"p{number}" for number in range(1, 12)]
    assert expected_revenue(ids, {"p1": 5.0, "p3": 8.0, "p11": 100.0}) == 5.0 + 8.0 / 2
    assert expected_revenue(ids, {"p10": 1.0}) == 1 / math.log2(11)
    assert expected_revenue((), {"p1": 5.0}) == 0


def test_dominated_points_lie_below_the_staircase_of_the_others() -> None:
    chance = random.Random(3)
    for _ in range(100):
        points = [(chance.randrange(6) / 2, chance.randrange(6) / 2) for _ in range(8)]
        # From the right, a point of the staircase is higher than all before it.
        stairs, highest = set(), -1.0
        for x, y in sorted({*points}, key=lambda point: (-point[0], -point[1])):
            if y > highest:
                stairs.add((x, y))
                highest = y
        assert dominated(points) == [point not in stairs for point in points]


def figures(weight: float, revenue: float, ndcg: float) -> WeightFigures:
    changes = {
        "revenue@10": difference([10.0, 10.0], [revenue, revenue]),
        "nDCG@10": difference([0.5, 0.5], [ndcg, ndcg]),
    }
    return WeightFigures(weight=weight, changes=changes, dominated=False)


def test_the_most_revenue_within_the_allowed_loss_is_chosen() -> None:
    measured = [
        figures(0, 10, 0.5), figures(0.5, 12, 0.495), figures(1, 14, 0.48), figures(2, 14, 0.48),
    ]  # fmt: skip
    assert choose(measured, 0.0) == 0
    assert choose(measured, 0.01) == 0.5
    assert choose(measured, 0.03) == 1
    assert choose([figures(0, 10, 0.5), figures(1, 9, 0.6)], 0.5) == 0


SIGNALS = SearchSettings.model_validate(
    {
        "signals": [
            {"field": "margin", "weight": 0.2},
            {"filter": {"in_stock": False}, "weight": -0.4, "name": "sold_out"},
            {"seed": 5, "weight": 0.1},
        ]
    }
)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        (None, [0.1, -0.2, 0.05]),
        ("margin", [0.1, -0.4, 0.1]),
        ("sold_out", [0.2, -0.2, 0.1]),
        ("random", [0.2, -0.4, 0.05]),
    ],
)
def test_a_factor_scales_all_signals_or_one(name: str | None, weights: list[float]) -> None:
    change = scaled(SIGNALS, 0.5, name)
    assert [signal.weight for signal in change["search.signals"]] == weights


def test_a_signal_that_is_not_set_is_refused() -> None:
    with pytest.raises(EvaluationError, match="choose one of margin, sold_out, random"):
        scaled(SIGNALS, 0.5, "stock")
    with pytest.raises(EvaluationError, match="no signals are set"):
        scaled(SearchSettings(), 0.5, None)
