"""`es-hybrid align run`: align a catalogue with another one or with itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.align.commands._options import align_options
from ingest.commands._sources import format_option, map_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from es_hybrid.settings import Settings
    from ingest.align.job import Summary
    from ingest.sources import Format


@click.command()
@click.argument("left", metavar="FILE|INDEX")
@click.option(
    "--against",
    "right",
    default="self",
    show_default=True,
    metavar="FILE|INDEX|self",
    help="The other catalogue; self compares the languages of the first one.",
)
@format_option
@map_option
@click.option(
    "--no-rerank", "rerank", flag_value=False, default=True, help="Score with vectors only."
)
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write every pair to this file: .jsonl, or .csv for spreadsheets.",
)
@click.option(
    "--groups",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the groups to this file: .jsonl or .csv.",
)
@click.option("--pairs-index", metavar="INDEX", help="Also write every pair to this index.")
@align_options
def run(
    left: str,
    right: str,
    file_format: Format | None,
    mapping: Mapping[str, str],
    rerank: bool,
    pairs: Path | None,
    groups: Path | None,
    pairs_index: str | None,
    settings: Settings,
) -> None:
    """Find the same product in other languages for each product of FILE or INDEX.

    es://NAME is an index, as is a bare name that is not a file. An interrupted run resumes when you
    run it again. With other thresholds, or after `align review`, only the decisions are made again.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ingest.align.export import check_target, write_groups, write_pairs
    from ingest.align.job import AlignJob
    from ingest.align.pairs_index import index_pairs

    for target in (pairs, groups):
        check_target(target)
    settings = settings.with_(ingest={"fields": {**settings.ingest.fields, **mapping}})
    job = AlignJob(
        settings=settings, left=left, right=right, file_format=file_format, rerank=rerank
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None)

        def progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        summary = job.run(say=lambda line: click.echo(line, err=True), progress=progress)
    _report(summary, settings.align.store)
    store = settings.align.store
    if pairs is not None:
        click.echo(f"{write_pairs(store, pairs):,} pairs in {pairs}")
    if groups is not None:
        click.echo(f"{write_groups(store, groups):,} groups in {groups}")
    if pairs_index is not None:
        click.echo(f"{index_pairs(store, settings, pairs_index):,} pairs in index {pairs_index}")


def _report(summary: Summary, store: Path) -> None:
    found = summary.decisions
    total = sum(found.values())
    spent = sum(summary.seconds.values())
    click.echo(
        f"{total:,} pairs: {found['merge']:,} merge, {found['review']:,} review, "
        f"{found['discard']:,} discard; {len(summary.groups):,} groups of "
        f"{sum(summary.groups.values()):,} products"
    )
    steps = ", ".join(f"{step} {took:.1f} s" for step, took in summary.seconds.items())
    resumed = "; resumed an earlier run" if summary.resumed else ""
    click.echo(f"{total / spent:,.0f} pairs a second ({steps}{resumed})")
    for warning in summary.warnings:
        click.echo(f"warning: {warning}", err=True)
    if found["review"]:
        click.echo("next: es-hybrid align review")
    click.echo(f"store: {store}")
