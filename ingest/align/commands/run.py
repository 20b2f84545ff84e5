"""`es-hybrid align run`: align a catalogue with another, or with itself."""

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
    help="The other side; self: the languages of the one.",
)
@format_option
@map_option
@click.option("--no-rerank", "rerank", flag_value=False, default=True, help="Vectors alone.")
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every pair here as well: .jsonl, or .csv for a spreadsheet.",
)
@click.option(
    "--groups",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the groups here as well: .jsonl or .csv.",
)
@click.option("--pairs-index", metavar="INDEX", help="Write every pair into this index as well.")
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
    """Find for each product of FILE or INDEX the same product in other languages.

    A bare name that is no file is an index, and so is es://NAME. Run again, it goes on where it was
    interrupted; with other thresholds, or after decisions of `align review`, it only decides anew.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ingest.align.export import check_target, write_groups, write_pairs
    from ingest.align.job import AlignJob
    from ingest.align.pairs_index import index_pairs

    for target in (pairs, groups):
        check_target(target)
    fields = {**settings.ingest.fields, **mapping}
    ingest = settings.ingest.model_copy(update={"fields": fields})
    settings = settings.model_copy(update={"ingest": ingest})
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
    gone_on = "; went on with an earlier run" if summary.resumed else ""
    click.echo(f"{total / spent:,.0f} pairs a second ({steps}{gone_on})")
    for warning in summary.warnings:
        click.echo(f"warning: {warning}", err=True)
    if found["review"]:
        click.echo("next: es-hybrid align review")
    click.echo(f"store: {store}")
