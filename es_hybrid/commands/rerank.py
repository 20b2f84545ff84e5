"""`es-hybrid rerank`: sort lines of text by how well they match a query."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.table import Table

    from es_hybrid.reranking import Reranker, Scored
    from es_hybrid.reranking.session import Provider
    from es_hybrid.settings.align import PairOutcome, Thresholds

_STYLES = {"merge": "green", "review": "yellow", "discard": "dim"}


@click.command()
@click.argument("query")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file.")
@click.option("--model", type=click.Path(path_type=Path), help="Folder of an exported model.")
@click.option("--category", help="Category of the instruction, e.g. baby.")
@click.option("--instruction", help="What makes a line a match, in a sentence.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.0, help="Lowest score to show.")
@click.option(
    "--deadline", type=click.IntRange(1), metavar="MS", help="Stop scoring after MS milliseconds."
)
@click.option(
    "--provider",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    help="Where to run the model.  [default: rerank.provider]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rerank(
    query: str,
    file: TextIO,
    *,
    config: Path | None,
    model: Path | None,
    category: str | None,
    instruction: str | None,
    threshold: float,
    deadline: int | None,
    provider: Provider | None,
    as_json: bool,
) -> None:
    """Score each line of FILE (or of standard input) against QUERY, best first.

    Lines may be in any language. Blank lines are skipped. The band depends on align.merge (at or
    above it, two texts mean the same product) and align.review (at or above it, a person decides).
    """
    from es_hybrid.reranking import required_reranker, score_within
    from es_hybrid.settings import load_settings

    given = {"model": model, "provider": provider, "deadline_ms": deadline}
    everything = load_settings(config, {"rerank": given})
    settings, thresholds = everything.rerank, everything.align.thresholds_of(category or "")
    instruction = instruction or settings.instruction_for(category)
    with contextlib.closing(required_reranker(settings)) as reranker:
        lines = [line.strip() for line in file if line.strip()]
        seconds = settings.deadline_seconds
        scored = score_within(reranker, query, lines, instruction, seconds=seconds)
    # Lines without a score (NaN) are not below the threshold.
    kept = [(text, score) for text, score in scored.ranked() if not score < threshold]
    notes = _notes(reranker, settings.provider, scored)
    if as_json:
        spent = scored.milliseconds
        click.echo(_json(reranker, kept, thresholds, milliseconds=spent, notes=notes))
        return
    from es_hybrid.commands._output import console

    if kept:
        console().print(_table(kept, thresholds))
    click.echo(_summary(reranker, scored, kept), err=True)
    for note in notes:
        click.echo(f"warning: {note}", err=True)


def _notes(reranker: Reranker, wanted: Provider, scored: Scored) -> list[str]:
    """Warnings about the order."""
    notes = []
    if getattr(reranker, "fell_back", False):
        got = getattr(reranker, "provider", "")
        notes.append(f"{wanted} is not available; the model ran on {got}")
    if why := scored.misfit():
        notes.append(f"{why}; the order may be worse than the given one")
    return notes


def _summary(reranker: Reranker, scored: Scored, kept: list[tuple[str, float]]) -> str:
    place = getattr(reranker, "provider", "the server")
    lines = len(scored.documents)
    parts = [f"{lines} lines on {place} in {scored.milliseconds:,.0f} ms"]
    parts += [f"{lines - len(kept)} below the threshold"] if len(kept) < lines else []
    parts += [f"{scored.late} not scored in time, in the given order"] if scored.late else []
    return " · ".join(parts)


def _table(kept: list[tuple[str, float]], thresholds: Thresholds) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("score", justify="right")
    table.add_column("band")
    table.add_column("text", overflow="fold")
    for rank, (text, score) in enumerate(kept, start=1):
        band = _band(score, thresholds)
        shown = "-" if band is None else f"{score:.3f}"
        mark = Text(band or "-", _STYLES[band or "discard"])
        table.add_row(str(rank), shown, mark, Text(text))
    return table


def _band(score: float, thresholds: Thresholds) -> PairOutcome | None:
    """None without a score."""
    return None if math.isnan(score) else thresholds.outcome(score)


def _json(
    reranker: Reranker,
    kept: list[tuple[str, float]],
    thresholds: Thresholds,
    *,
    milliseconds: float,
    notes: list[str],
) -> str:
    results = [
        {
            "rank": rank,
            "score": None if math.isnan(score) else score,
            "band": _band(score, thresholds),
            "text": text,
        }
        for rank, (text, score) in enumerate(kept, start=1)
    ]
    answer = {
        "provider": getattr(reranker, "provider", None),
        "fell_back": getattr(reranker, "fell_back", False),
        "milliseconds": round(milliseconds, 1),
        "notes": notes,
        "results": results,
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)
