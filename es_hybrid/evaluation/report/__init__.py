"""The reports of `eval run` and `eval trade-off`: HTML files without scripts or other parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from es_hybrid.errors import MissingExtra
from es_hybrid.evaluation.measures import MEASURES
from es_hybrid.evaluation.report.charts import (
    CurvePoint,
    Series,
    bar_chart,
    curve,
    histogram,
    interval_bar,
    line_chart,
)
from es_hybrid.evaluation.trade_off import COLUMNS, NDCG_10, REVENUE
from es_hybrid.files import writable

try:
    from jinja2 import Environment, PackageLoader, StrictUndefined
except ModuleNotFoundError:
    raise MissingExtra("jinja2, which writes the report,", "eval") from None

if TYPE_CHECKING:
    from es_hybrid.evaluation.collector import Pair, StageMeasures
    from es_hybrid.evaluation.report.charts import BarChart
    from es_hybrid.evaluation.trade_off import TradeOff

__all__ = ["render", "write_report", "write_trade_off"]


def write_report(
    path: Path, measured: StageMeasures, summary: Mapping[str, Any], *, title: str
) -> None:
    """Write the report.

    Raises:
        StorageError: the file cannot be written.
    """
    _write(path, render(measured, summary, title=title))


def write_trade_off(path: Path, found: TradeOff, *, title: str) -> None:
    """Write the report of `eval trade-off`.

    Raises:
        StorageError: the file cannot be written.
    """
    kinds = {False: "open", True: "loss"}
    points = [
        CurvePoint(
            each.mean(NDCG_10),
            each.mean(REVENUE),
            f"{each.weight:g}",
            "gain" if each.weight == found.chosen else kinds[each.dominated],
        )
        for each in found.held_out
    ]
    html = _environment().get_template("trade_off.html")
    shown = {"columns": COLUMNS, "paired": (REVENUE, NDCG_10), "chart": curve(points)}
    _write(path, html.render(title=title, found=found, **shown))


def render(measured: StageMeasures, summary: Mapping[str, Any], *, title: str) -> str:
    """The report as HTML. The template escapes every text of a query or a product.

    Args:
        summary: The figures of `measured`, see `evaluation.summary.summarize`.
    """
    return (
        _environment()
        .get_template("report.html")
        .render(
            title=title,
            summary=summary,
            measures=list(MEASURES),
            intervals=interval_bar(summary["differences"]),
            gains=[(pair, _gains(measured, pair)) for pair in measured.compared()],
            recall=_recall(summary),
            depths=_depths(summary),
            scores=[
                (stage, histogram(hits.scores, hits.grades))
                for stage, hits in measured.scores.items()
                if len(hits.scores)
            ],
            losses=[(pair, measured.losses[pair]) for pair in measured.compared()],
        )
    )


def _write(path: Path, html: str) -> None:
    with writable(path, remedy="choose another file"):
        path.write_text(html, encoding="utf-8")


def _gains(measured: StageMeasures, pair: Pair) -> BarChart:
    first, second = (measured.values[stage]["nDCG@10"] for stage in pair)
    return bar_chart(
        [
            (float(gain), f"{query.id} {query.text}: {gain:+.3f}")
            for gain, query in zip(second - first, measured.queries, strict=True)
        ]
    )


def _recall(summary: Mapping[str, Any]) -> Any:
    rows = summary["recall"]
    depths = [name for name in rows[0] if name != "stage"]
    series = [Series(row["stage"], [row[name] for name in depths]) for row in rows]
    return line_chart([name.removeprefix("Recall@") for name in depths], series, low=0.0, high=1.0)


def _depths(summary: Mapping[str, Any]) -> Any:
    rows = summary["rerank_depths"]
    if not rows:
        return None
    ends = [[row["interval"][end] for row in rows] for end in (0, 1)]
    gain = Series("reranked", [row["gain"] for row in rows], band=(ends[0], ends[1]))
    return line_chart([str(row["depth"]) for row in rows], [gain])


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("es_hybrid.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
