"""Geometry of the charts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from es_hybrid.evaluation.report.charts import (
    HEIGHT,
    WIDTH,
    CurvePoint,
    Series,
    bar_chart,
    curve,
    histogram,
    interval_bar,
    line_chart,
)


def test_a_line_goes_from_corner_to_corner() -> None:
    chart = line_chart(["1", "10", "100"], [Series("bm25", [0.0, 0.5, 1.0])], low=0, high=1)
    assert chart.lines[0].points == f"48,{HEIGHT - 30} 338,110 {WIDTH - 12},10"
    assert [tick.label for tick in chart.x_ticks] == ["1", "10", "100"]
    assert [tick.label for tick in chart.y_ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert chart.zero == HEIGHT - 30


def test_an_unbounded_interval_is_drawn_to_the_edge() -> None:
    band = ([-math.inf, -0.1], [math.inf, 0.3])
    chart = line_chart(["5", "10"], [Series("reranked", [0.1, 0.1], band)])
    assert chart.lines[0].band == f"48,10 {WIDTH - 12},10 {WIDTH - 12},210 48,210"


def test_a_curve_joins_its_points_between_the_ends_of_the_axes() -> None:
    first, second = CurvePoint(0.5, 10.0, "0", "open"), CurvePoint(0.4, 30.0, "2", "gain")
    chart = curve([first, second])
    assert chart.points == [
        CurvePoint(WIDTH - 24, HEIGHT - 30, "0", "open"), CurvePoint(48, 20, "2", "gain"),
    ]  # fmt: skip
    assert [tick.label for tick in chart.y_ticks] == ["10", "15", "20", "25", "30"]
    # Weights that change nothing are one place.
    assert curve([first, first]).points[0][:2] == curve([first, first]).points[1][:2]


def test_gains_are_drawn_largest_first() -> None:
    chart = bar_chart([(-0.5, "worse"), (1.0, "better"), (0.0, "equal")])
    assert [(bar.title, bar.kind) for bar in chart.bars] == [
        ("better", "gain"), ("equal", "loss"), ("worse", "loss"),
    ]  # fmt: skip
    better, equal, worse = chart.bars
    assert better.y + better.height == worse.y == chart.zero
    assert better.height == pytest.approx(2 * worse.height, abs=0.02)
    assert equal.height == 0


def test_many_bars_are_thinned_out() -> None:
    chart = bar_chart([(number / 1000, str(number)) for number in range(1000)])
    assert len(chart.bars) == 250
    assert chart.left_out == 750
    assert bar_chart([]).bars == []


def test_scores_are_stacked_by_their_grades() -> None:
    scores = np.array([0.0, 0.0, 0.0, 1.0, 1.0], np.float32)
    chart = histogram(scores, np.array([2, 0, -1, 1, 1], np.intc))
    assert [bar.kind for bar in chart.bars] == ["relevant", "irrelevant", "unjudged", "relevant"]
    first, second, third, last = chart.bars
    assert first.y == pytest.approx(second.y + second.height)
    assert second.y == pytest.approx(third.y + third.height)
    assert last.height == pytest.approx(2 * first.height, abs=0.02)
    assert last.title.endswith("2 relevant")
    # A score far from all others does not squeeze the rest into one bar.
    outlier = np.array([*np.linspace(1, 2, 50), 1000], np.float32)
    assert len(histogram(outlier, np.ones(51, np.intc)).bars) > 5
    # One score alone has bins as well.
    assert histogram(scores[:1], np.array([1], np.intc)).bars


def test_intervals_share_a_scale_around_zero() -> None:
    rows = [
        {"mean": 0.1, "interval": (0.05, 0.2)},
        {"mean": -0.1, "interval": (-0.2, -0.05)},
        {"mean": 0.0, "interval": (-math.inf, math.inf)},
    ]
    gain, loss, unknown = interval_bar(rows)
    assert (gain.kind, loss.kind, unknown.kind) == ("gain", "loss", "open")
    assert gain.zero < gain.low < gain.mean < gain.high
    assert gain.high - gain.zero == pytest.approx(loss.zero - loss.low)
    assert (unknown.low, unknown.high) == (loss.low, gain.high)
