"""`es-hybrid eval run`: measure every stage of the search on judged queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.eval._judging import llm_option, note_llm

if TYPE_CHECKING:
    from es_hybrid.evaluation.stages import Stage
    from es_hybrid.evaluation.summary import By
    from es_hybrid.settings import Settings

_STAGES: tuple[Stage, ...] = ("bm25", "knn", "hybrid", "signals", "reranked")
_DEPTHS = (10, 20, 50, 100)


@click.command()
@click.argument("queries", type=click.Path(path_type=Path))
@click.argument("qrels", type=click.Path(path_type=Path))
@settings_options
@click.option(
    "--stage",
    "stages",
    type=click.Choice(_STAGES),
    multiple=True,
    help="Stage to measure; repeatable.  [default: all that the settings allow]",
)
@click.option(
    "--by",
    type=click.Choice(["language", "class"]),
    help="Add rows for each language (third column of QUERIES) or class (fourth column).",
)
@click.option(
    "--size",
    type=click.IntRange(10, 1000),
    default=100,
    show_default=True,
    help="Hits to request; more than `search.window` widens the window of the search.",
)
@click.option(
    "--rerank-depth",
    "depths",
    type=click.IntRange(1, 1000),
    multiple=True,
    default=_DEPTHS,
    show_default=True,
    help="Number of reranked hits to compute the gain for; repeatable. Hits beyond "
    "`rerank.window` are scored for this alone.",
)
@llm_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--runs", type=click.Path(path_type=Path), help="Folder for a TREC run file of each stage."
)
@click.option(
    "--report", type=click.Path(path_type=Path), help="HTML file with tables, charts and losses."
)
def run(
    queries: Path,
    qrels: Path,
    settings: Settings,
    *,
    stages: tuple[Stage, ...],
    by: By | None,
    size: int,
    depths: tuple[int, ...],
    with_llm: bool,
    as_json: bool,
    runs: Path | None,
    report: Path | None,
) -> None:
    """Measure every stage of the search: bm25, knn, hybrid (fused), signals and reranked.

    QUERIES is a TSV of id, text, language and class; QRELS has judgements in TREC format. Queries
    without a relevant product are skipped and counted.
    """
    import json
    from contextlib import ExitStack

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.commands.eval._tables import cost_line, summary_tables
    from es_hybrid.evaluation.collector import Collector
    from es_hybrid.evaluation.judgements import read_judged, read_queries
    from es_hybrid.evaluation.runs import run_files
    from es_hybrid.evaluation.stages import open_stages
    from es_hybrid.evaluation.summary import depth_grid, summarize

    note_llm(qrels, with_llm)
    if report is not None:  # before the searches: a missing extra is reported at once
        from es_hybrid.evaluation.report import write_report
    asked, judged = read_judged(queries, qrels, with_llm=with_llm)
    with ExitStack() as opened:
        search = opened.enter_context(
            open_stages(settings, stages=stages, size=size, depths=depth_grid(depths, size))
        )
        collector = Collector(judged, search.stages, size=size)
        write = opened.enter_context(run_files(runs, search.stages)) if runs else None
        search.ask(asked[0])  # fills caches, which would count as the latency of one query
        progress = opened.enter_context(
            Progress(transient=True, disable=as_json or not console().is_terminal)
        )
        for query in progress.track(asked, description="queries"):
            answers = search.ask(query)
            collector.add(query, answers)
            if write is not None:
                write(query, answers.rankings)
    measured = collector.result()
    summary = summarize(measured, by=by)
    if report is not None:
        write_report(report, measured, summary, title=f"{settings.index.name}, {queries.name}")
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    for table in summary_tables(summary, depths):
        console().print(table, "")
    click.echo(cost_line(summary))
    if size > (window := settings.search.window):
        click.echo(f"search.window is {window}, but --size {size} searches with a window of {size}")
    skipped = len(read_queries(queries)) - len(asked)
    click.echo(f"{len(asked)} queries; skipped {skipped} without a relevant product")
