"""`es-hybrid ingest backfill`: vectors for documents that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import index_argument
from ingest.commands._running import SOME_REJECTED, max_outage_option, say, with_ingest

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command(
    epilog="Exit status: 0 all documents have their vector, 1 some have no text or were refused, "
    "2 could not go on, 75 a server stayed away, 130 stopped by Ctrl-C."
)
@index_argument
@click.option(
    "--max-rate",
    "rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DOCS/S",
    help="Fill no more documents a second.  [default: as fast as it goes]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Batches under way at once; one leaves the servers to the searches.",
)
@click.option(
    "--dead-letters",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where rejected documents go.  [default: es-hybrid.rejected.jsonl]",
)
@max_outage_option
@click.pass_context
def backfill(
    ctx: click.Context,
    settings: Settings,
    *,
    rate: float | None,
    concurrency: int,
    dead_letters: Path | None,
    max_outage: float | None,
) -> None:
    """Fill the missing and the stale vectors of INDEX in place, while others write to it.

    INDEX is one that a load made, or the shop's own after `es-hybrid index apply`. A document that
    someone writes to meanwhile is read again: no change of theirs is lost. Stopped or killed, it
    goes on when it is run again. While the shop changes texts, run it from time to time.
    """
    from rich.console import Console

    from ingest.backfill.counts import final_report, progress_line
    from ingest.backfill.job import BackfillJob
    from ingest.load.signals import stopped_by_signals
    from ingest.record.progress import Progress

    settings = with_ingest(settings, max_outage_s=max_outage)
    rejected = dead_letters or settings.ingest.dead_letters
    job = BackfillJob(settings=settings, rate=rate, concurrency=concurrency, dead_letters=rejected)
    progress = Progress(Console(stderr=True), say, line=progress_line)
    try:
        with progress, stopped_by_signals(job.stop, say):
            job.run(on_progress=progress.update)
    finally:
        if job.counts.passes:
            click.echo(
                final_report(job.counts, index=settings.index.name, dead_letters=str(rejected))
            )
    if job.counts.rejected:
        ctx.exit(SOME_REJECTED)
