"""`es-hybrid rerank`: put lines of text in the order in which they fit a query."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.table import Table

    from es_hybrid.reranking import Reranker
    from es_hybrid.reranking.session import Provider
    from es_hybrid.settings.align import Outcome, Thresholds

_STYLES = {"merge": "green", "review": "yellow", "discard": "dim"}


@click.command()
@click.argument("query")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file.")
@click.option("--model", type=click.Path(path_type=Path), help="Folder of an exported model.")
@click.option("--category", help="Which of the settings' instructions applies, as baby.")
@click.option("--instruction", help="What makes a line fit, in a sentence.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.0, help="Lowest score shown.")
@click.option("--deadline", type=click.IntRange(1), metavar="MS", help="Stop scoring after this.")
@click.option(
    "--provider",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    help="Where the model is to run.  [default: rerank.provider]",
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

    Lines may be in any language. Blank ones are left out. The band is that of align.merge (from
    there on two texts mean the same product) and align.review (a person should look).
    """
    from es_hybrid.reranking import ranked, required_reranker
    from es_hybrid.settings import load_settings

    given = {"model": model, "provider": provider, "deadline_ms": deadline}
    everything = load_settings(config, {"rerank": given})
    settings, thresholds = everything.rerank, everything.align.thresholds_of(category or "")
    told = instruction or settings.instruction_for(category)
    reranker = required_reranker(settings)
    lines = [line.strip() for line in file if line.strip()]
    started = time.monotonic()
    until = None if settings.deadline_ms is None else started + settings.deadline_ms / 1000
    order = ranked(lines, reranker.score(query, lines, told, deadline=until))
    spent = (time.monotonic() - started) * 1000
    # A candidate the deadline left without a score has none to be below the threshold.
    kept = [(text, score) for text, score in order if not score < threshold]
    notes = _notes(reranker, settings.provider, query, lines)
    if as_json:
        click.echo(_json(reranker, kept, thresholds, milliseconds=spent, notes=notes))
        return
    from es_hybrid.commands._output import console

    if kept:
        console().print(_table(kept, thresholds))
    click.echo(_summary(reranker, lines, kept, spent), err=True)
    for note in notes:
        click.echo(f"warning: {note}", err=True)


def _notes(reranker: Reranker, wanted: Provider, query: str, lines: list[str]) -> list[str]:
    """What the user should know before the order is trusted."""
    from es_hybrid.reranking.language import misfit

    notes = []
    if getattr(reranker, "fell_back", False):
        got = getattr(reranker, "provider", "")
        notes.append(f"{wanted} was asked for and cannot be had, so it ran on {got}")
    if why := misfit(reranker.languages, query, lines):
        notes.append(f"{why}; the order may be worse than none")
    return notes


def _summary(
    reranker: Reranker, lines: list[str], kept: list[tuple[str, float]], spent: float
) -> str:
    place = getattr(reranker, "provider", "the server")
    late = sum(math.isnan(score) for _, score in kept)
    parts = [f"{len(lines)} lines on {place} in {spent:,.0f} ms"]
    parts += [f"{len(lines) - len(kept)} below the threshold"] if len(kept) < len(lines) else []
    parts += [f"{late} not scored in time, in the order given"] if late else []
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


def _band(score: float, thresholds: Thresholds) -> Outcome | None:
    """None for what has no score."""
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
