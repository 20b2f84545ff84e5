"""The models recover the relevance of biased simulated logs; the click rate does not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.evaluation.judging.clicks.counts import (
    ClickCounts,
    LoggedSearch,
    ShopperAction,
    count,
)
from es_hybrid.evaluation.judging.clicks.models import coec, position_based, with_conversion
from tests.evaluation.judging.clicks.simulation import Shop, make_shop, rank_correlation


def _recovered(shop: Shop, counts: ClickCounts, relevance: NDArray[np.float64]) -> float:
    """Spearman's correlation with the true relevance, the mean over the queries."""
    queries = np.array([int(query.split()[1]) for query, _ in counts.pairs])
    products = np.array([int(document) for _, document in counts.pairs])
    truth = shop.attraction[queries, products]
    enough = counts.shown_of_pair >= 20
    each = [
        rank_correlation(relevance[mine], truth[mine])
        for mine in (enough & (queries == query) for query in range(len(shop.attraction)))
    ]
    return float(np.mean(each))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_a_good_ranking_both_recover_what_the_click_rate_does_not(seed: int) -> None:
    shop = make_shop(quality=0, seed=seed, queries=30)
    counts = count(shop.log(600))
    naive = _recovered(shop, counts, counts.clicked_of_pair / counts.shown_of_pair)
    expected = _recovered(shop, counts, coec(counts, smoothing=1).relevance)
    fitted = position_based(counts, smoothing=1)
    assert naive < 0.8
    assert expected > naive + 0.1
    assert _recovered(shop, counts, fitted.relevance) > naive + 0.1
    assert fitted.examination == pytest.approx(shop.examination, abs=0.05)


def test_with_a_good_ranking_the_position_based_model_is_the_better_one() -> None:
    shop = make_shop(quality=0.6, queries=30)
    counts = count(shop.log(1000))
    fitted = position_based(counts, smoothing=0.2)
    assert _recovered(shop, counts, fitted.relevance) > 0.05 + _recovered(
        shop, counts, coec(counts, smoothing=0.2).relevance
    )
    assert _recovered(shop, counts, fitted.relevance) > 0.9


def _search(shown: str, clicked: str) -> LoggedSearch:
    """Documents of one letter each, from rank 0."""
    return LoggedSearch("q", [(id_, rank) for rank, id_ in enumerate(shown)], _clicks(clicked))


def _clicks(documents: str) -> dict[str, ShopperAction]:
    return dict.fromkeys(documents, "click")


def test_coec_is_clicks_over_the_clicks_of_the_same_ranks() -> None:
    counts = count([_search("ab", "a"), _search("ba", "ab"), _search("ab", ""), _search("ab", "")])
    found = coec(counts, smoothing=1e-9)
    # Rank 0 was clicked 2 of 4 times, rank 1 once of 4: a expects 3/2 + 1/4, b 1/2 + 3/4.
    assert found.examination == pytest.approx([0.5, 0.25])
    assert found.relevance == pytest.approx([2 / 1.75, 1 / 1.25])
    smooth = coec(counts, smoothing=1).relevance
    assert smooth == pytest.approx([3 / 2.75, 2 / 2.25])


def test_rare_products_stay_near_the_average() -> None:
    log = [_search("ab", "a"), _search("ba", "a")] * 50
    counts = count([*log, LoggedSearch("rare", [("c", 0)], {"c": "click"})])
    for model in (coec, position_based):
        often, _, seldom = model(counts, smoothing=1).relevance
        assert often > seldom > 1


def test_carts_and_orders_raise_the_relevance_and_their_mean_stays() -> None:
    log = [LoggedSearch("q", [("a", 1), ("b", 2)], {"a": "click", "b": "order"})] * 40
    log += [LoggedSearch("q", [("b", 1), ("a", 2)], {"a": "click", "b": "cart"})] * 40
    counts = count(log)
    assert (counts.carted.tolist(), counts.ordered.tolist()) == ([0, 80], [0, 40])
    plain = coec(counts, smoothing=1).relevance
    found = with_conversion(plain, counts, cart_weight=1, order_weight=2)
    assert found[1] > plain[1] > 0
    assert found[0] < plain[0]
    unchanged = with_conversion(plain, counts, cart_weight=0, order_weight=0)
    assert unchanged == pytest.approx(plain)
    assert with_conversion(np.ones(2), counts, cart_weight=1, order_weight=2).mean() == (
        pytest.approx(1)
    )
