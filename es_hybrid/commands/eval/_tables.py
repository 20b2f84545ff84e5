"""Tables of measures for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from es_hybrid.evaluation.comparison import AnswerComparison
from es_hybrid.evaluation.differences import Difference, Loss, ShownHit
from es_hybrid.evaluation.measures import MEASURES
from es_hybrid.evaluation.trade_off import COLUMNS, NDCG_10, REVENUE, WeightFigures

# Hits of a loss that are shown.
_SHOWN = 5
_UNJUDGED = "Unjudged@10"


def summary_tables(summary: Mapping[str, Any], depths: Sequence[int]) -> Iterator[Table]:
    """The tables of `eval run`.

    Args:
        summary: As from `evaluation.summary.summarize`.
        depths: Rerank depths to show.
    """
    yield _stage_table(summary["stages"])
    if summary["differences"]:
        yield _difference_table(summary["differences"])
    if rows := [row for row in summary["rerank_depths"] if row["depth"] in depths]:
        yield _depth_table(rows, summary["rerank_depth_for_90_percent"])
    yield _latency_table(summary["latency_ms"])


def cost_line(summary: Mapping[str, Any]) -> str:
    """What the searches cost."""
    cost = summary["cost"]
    line = f"{cost['embedded_characters']:,} characters embedded"
    if cost["reranked_pairs"]:
        line += f", {cost['reranked_pairs']:,} pairs reranked"
    if more := cost["pairs_scored_for_other_depths"]:
        line += f" (and {more:,} to measure other depths)"
    return line


def difference_line(name: str, change: Difference) -> str:
    """One difference between two systems as a line."""
    low, high = change.interval
    return (
        f"{name}  {change.means[0]:.3f} -> {change.means[1]:.3f}  {change.mean:+.3f} "
        f"[{_signed(low)}, {_signed(high)}]  p {change.p:.3f}  {change.queries} queries: "
        f"{change.wins} better, {change.losses} worse, {change.ties} equal"
    )


def agreement_lines(compared: AnswerComparison) -> list[str]:
    """How far two sources of answers agree."""
    k = compared.k
    return [
        f"{compared.queries} queries, {compared.changed} with other hits or another order",
        f"overlap@{k}  {compared.overlap:.3f}  rank-biased {compared.rank_biased_overlap:.3f}",
        f"same first  {compared.same_first:.1%}",
        f"hits moved  {compared.moved:,}, lost from the first {k}: {compared.lost:,}",
    ]


def loss_table(loss: Loss, names: tuple[str, str], *, graded: bool) -> Table:
    """The first hits of a query that lost, side by side.

    Args:
        graded: Whether to show grades; `?` is a hit without a judgement.
    """
    table = Table(
        box=None, pad_edge=False, expand=True, title_justify="left", header_style="bold",
        title=Text(f"{loss.query.id}  {loss.query.text}  {loss.before:.3f} -> {loss.after:.3f}"),
    )  # fmt: skip
    table.add_column("#", justify="right", width=2)
    for name in names:
        table.add_column(Text(name), ratio=1, no_wrap=True, overflow="ellipsis")
    for place in range(min(_SHOWN, max(len(loss.first), len(loss.second)))):
        shown = (_hit(hits, place, graded=graded) for hits in (loss.first, loss.second))
        table.add_row(str(place + 1), *shown)
    return table


def trade_off_table(figures: Sequence[WeightFigures]) -> Table:
    """What each weight of the signals reaches, with the intervals of the changes from weight 0."""
    paired = (REVENUE, NDCG_10)
    columns = [name for name in COLUMNS if name not in paired]
    table = _table(
        ["weight", *(each for name in paired for each in (name, "95 % interval")), *columns, ""],
        left=(len(COLUMNS) + 3,),
    )
    for each in figures:
        row = [f"{each.weight:g}"]
        for name in paired:
            low, high = each.changes[name].interval
            row += [f"{each.mean(name):.3f}", f"{_signed(low)} {_signed(high)}"]
        row += [f"{each.mean(name):.3f}" for name in columns]
        table.add_row(*row, "dominated" if each.dominated else "")
    return table


def _stage_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(["group", "queries", "stage", *MEASURES, _UNJUDGED], left=(0, 2))
    for row in rows:
        figures = (f"{row[name]:.3f}" for name in MEASURES)
        table.add_row(
            Text(row["group"]), str(row["queries"]), row["stage"], *figures, f"{row[_UNJUDGED]:.1f}"
        )
    return table


def _difference_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = ["group", "change", "measure", "difference", "95 % interval", "p"]
    table = _table([*columns, "better", "worse", "equal"], left=(0, 1, 2))
    for row in rows:
        low, high = row["interval"]
        table.add_row(
            Text(row["group"]),
            f"{row['from']} -> {row['to']}",
            row["measure"],
            f"{row['mean']:+.3f}",
            f"{_signed(low)} {_signed(high)}",
            f"{row['p']:.3f}",
            *(str(row[name]) for name in ("wins", "losses", "ties")),
        )
    return table


def _depth_table(rows: Sequence[Mapping[str, Any]], most: int | None) -> Table:
    table = _table(["rerank depth", "nDCG@10", "gain", "95 % interval"])
    if most is not None:
        table.caption = f"90 % of the gain at depth {most}"
        table.caption_justify = "left"
    for row in rows:
        low, high = row["interval"]
        table.add_row(
            str(row["depth"]),
            f"{row['nDCG@10']:.3f}",
            f"{row['gain']:+.3f}",
            f"{_signed(low)} {_signed(high)}",
        )
    return table


def _latency_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(["milliseconds", "p50", "p95", "p99"], left=(0,))
    for row in rows:
        table.add_row(row["of"], *(f"{row[name]:.1f}" for name in ("p50", "p95", "p99")))
    return table


def _table(columns: Sequence[str], *, left: Sequence[int] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place in left else "right")
    return table


def _hit(hits: Sequence[ShownHit], place: int, *, graded: bool) -> Text:
    if place >= len(hits):
        return Text()
    hit = hits[place]
    grade = "?" if hit.grade is None else str(hit.grade)
    return Text(f"{grade}  {hit.id}  {hit.title}" if graded else f"{hit.id}  {hit.title}")


def _signed(value: float) -> str:
    return f"{value:+.3f}" if math.isfinite(value) else "-" if value < 0 else "+"
