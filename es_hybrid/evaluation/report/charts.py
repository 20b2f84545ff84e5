"""Geometry of the charts, in pixels of an SVG; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 10, 30
# More bars than this are narrower than a pixel.
_BARS = 300
_BINS = 24
# Scores further from the quartiles than this many times their distance are outliers (Tukey 1977).
_OUTLIER = 3.0
_TICKS = 5
# Labels that fit below a chart.
_LABELS = 12
# Width of the small intervals in a table.
_INTERVAL = 120


class Tick(NamedTuple):
    """A labelled place on an axis."""

    at: float
    label: str


class Series(NamedTuple):
    """One line of a chart.

    Attributes:
        values: One for each label of the x axis.
        band: Lower and upper ends of the intervals of the values.
    """

    name: str
    values: Sequence[float]
    band: tuple[Sequence[float], Sequence[float]] | None = None


class Polyline(NamedTuple):
    """A drawn series: `points` and `band` are lists of coordinates as SVG writes them."""

    name: str
    points: str
    band: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines over labels at equal distances; `zero` is the height of 0, if it is in range."""

    lines: Sequence[Polyline]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    zero: float | None
    width: int = WIDTH
    height: int = HEIGHT


class CurvePoint(NamedTuple):
    """A labelled circle; `kind` is its class in the style sheet."""

    x: float
    y: float
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Points joined in their order."""

    points: Sequence[CurvePoint]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    zero: float | None = None
    width: int = WIDTH
    height: int = HEIGHT


class Bar(NamedTuple):
    """A rectangle; `kind` is its class in the style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars over a horizontal axis at the height `zero`."""

    bars: Sequence[Bar]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    zero: float
    left_out: int = 0
    width: int = WIDTH
    height: int = HEIGHT


class Interval(NamedTuple):
    """A difference with its interval, drawn in a table; None is an unbounded end."""

    low: float
    mean: float
    high: float
    zero: float
    kind: str
    width: int = _INTERVAL


def line_chart(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    low: float | None = None,
    high: float | None = None,
) -> LineChart:
    """Lines over labels.

    Args:
        low: Bottom of the y axis; by default 0 or the lowest value.
        high: Top of the y axis; by default 0 or the highest value.
    """
    shown = [value for each in series for value in _all_of(each) if math.isfinite(value)]
    bottom = min([0.0, *shown]) if low is None else low
    top = max([0.0, *shown]) if high is None else high
    x = _scale(0, max(1, len(labels) - 1), _LEFT, WIDTH - _RIGHT)
    y = _scale(bottom, top, HEIGHT - _BOTTOM, _TOP)
    step = math.ceil(len(labels) / _LABELS)
    return LineChart(
        lines=[_line(each, x, y, bottom, top) for each in series],
        x_ticks=[Tick(x(place), label) for place, label in enumerate(labels)][::step],
        y_ticks=_ticks(bottom, top, y),
        zero=y(0.0) if bottom <= 0 <= top else None,
    )


def curve(points: Sequence[CurvePoint]) -> Curve:
    """A curve through points, each in the units of its axis; the axes end at the outermost ones."""
    across, up = [point.x for point in points], [point.y for point in points]
    x = _scale(min(across), max(across), _LEFT, WIDTH - 2 * _RIGHT)
    y = _scale(min(up), max(up), HEIGHT - _BOTTOM, 2 * _TOP)
    return Curve(
        [point._replace(x=x(point.x), y=y(point.y)) for point in points],
        _ticks(min(across), max(across), x),
        _ticks(min(up), max(up), y),
    )


def bar_chart(gains: Sequence[tuple[float, str]]) -> BarChart:
    """Gains with their titles as bars, the largest first; every n-th if there are too many."""
    ordered = sorted(gains, key=lambda gain: -gain[0])
    drawn = ordered[:: math.ceil(len(ordered) / _BARS) or 1]
    low = min([0.0, *(gain for gain, _ in drawn)])
    high = max([0.0, *(gain for gain, _ in drawn)])
    y = _scale(low, high, HEIGHT - _BOTTOM, _TOP)
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(drawn))
    bars = [
        Bar(
            round(_LEFT + place * width, 2),
            y(max(gain, 0.0)),
            round(max(0.5, width * 0.85), 2),
            round(abs(y(gain) - y(0.0)), 2),
            "gain" if gain > 0 else "loss",
            title,
        )
        for place, (gain, title) in enumerate(drawn)
    ]
    return BarChart(bars, [], _ticks(low, high, y), y(0.0), len(ordered) - len(drawn))


def histogram(scores: NDArray[np.float32], grades: NDArray[np.intc]) -> BarChart:
    """Numbers of scores, stacked: relevant, judged not relevant, and not judged."""
    scores = _without_outliers(scores)
    edges = np.histogram_bin_edges(scores, _BINS)
    kinds = {"relevant": grades > 0, "irrelevant": grades == 0, "unjudged": grades < 0}
    counts = {kind: np.histogram(scores[which], edges)[0] for kind, which in kinds.items()}
    top = float(sum(counts.values()).max())  # type: ignore[union-attr]
    x = _scale(float(edges[0]), float(edges[-1]), _LEFT, WIDTH - _RIGHT)
    y = _scale(0.0, top, HEIGHT - _BOTTOM, _TOP)
    bars = []
    for place, edge in enumerate(edges[:-1].tolist()):
        below = 0
        span = f"{edge:.3g} to {edges[place + 1]:.3g}"
        for kind, each in counts.items():
            count = int(each[place])
            if count:
                left, right = x(edge), x(float(edges[place + 1]))
                height = y(below) - y(below + count)
                title = f"{span}: {count} {kind}"
                bars.append(
                    Bar(left, y(below + count), max(0.5, right - left - 1), height, kind, title)
                )
            below += count
    return BarChart(bars, _ticks(float(edges[0]), float(edges[-1]), x), _ticks(0, top, y), y(0.0))


def _without_outliers(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move outliers to the edge: an exact trade number scores a hundred times what words do."""
    low, high = np.percentile(scores, [25, 75])
    reach = _OUTLIER * (high - low)
    return np.clip(scores, low - reach, high + reach) if reach else scores


def interval_bar(rows: Sequence[Mapping[str, Any]]) -> list[Interval]:
    """The interval of each row of differences, all on one scale around 0."""
    ends = [abs(end) for row in rows for end in row["interval"] if math.isfinite(end)]
    reach = max(ends, default=0.0) or 1.0
    x = _scale(-reach, reach, 2, _INTERVAL - 2)

    def drawn(row: Mapping[str, Any]) -> Interval:
        low, high = (min(max(end, -reach), reach) for end in row["interval"])
        kind = "gain" if low > 0 else "loss" if high < 0 else "open"
        return Interval(x(low), x(min(max(row["mean"], -reach), reach)), x(high), x(0.0), kind)

    return [drawn(row) for row in rows]


def _line(
    series: Series,
    x: Callable[[float], float],
    y: Callable[[float], float],
    bottom: float,
    top: float,
) -> Polyline:
    def points(values: Sequence[float]) -> list[str]:
        return [
            f"{x(place):g},{y(min(max(value, bottom), top)):g}"
            for place, value in enumerate(values)
        ]

    band = ""
    if series.band is not None:
        low, high = series.band
        band = " ".join(points(high) + points(low)[::-1])
    return Polyline(series.name, " ".join(points(series.values)), band)


def _all_of(series: Series) -> list[float]:
    low, high = series.band or ((), ())
    return [*series.values, *low, *high]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Maps [low, high] to [start, end], rounded to a hundredth of a pixel."""
    span = high - low or 1.0
    return lambda value: round(start + (value - low) / span * (end - start), 2)


def _ticks(low: float, high: float, place: Callable[[float], float]) -> list[Tick]:
    """Up to six round numbers in [low, high]."""
    step = _round_step((high - low or 1.0) / _TICKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [Tick(place(number * step), f"{number * step:.6g}") for number in range(first, last + 1)]


def _round_step(step: float) -> float:
    """The next number of the form 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
