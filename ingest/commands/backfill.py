"""`es-hybrid ingest backfill`: add vectors to existing documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import index_argument
from ingest.commands._running import (
    SOME_REJECTED,
    dead_letters_option,
    max_outage_option,
    shown,
    with_ingest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from es_hybrid.settings import Settings


@click.command(
    epilog="Exit status: 0 all documents have their vector, 1 some have no text or were refused, "
    "2 error, 75 a server stayed unavailable, 130 stopped by Ctrl-C."
)
@index_argument
@click.option(
    "--max-rate",
    "rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DOCS/S",
    help="Fill at most this many documents per second.  [default: unlimited]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Batches in progress at once; 1 leaves the servers to the searches.",
)
@dead_letters_option
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
    """Fill missing and stale vectors of INDEX in place, while others write to it.

    INDEX was created by a load, or is the shop's own after `es-hybrid index apply`. A document that
    changes meanwhile is read again, so no change is lost. If it is stopped or killed, run it again.
    While the shop changes texts, run it regularly.
    """
    from ingest.backfill.job import BackfillJob

    settings = with_ingest(settings, max_outage_s=max_outage)
    job = BackfillJob(
        settings=settings,
        rate=rate,
        concurrency=concurrency,
        dead_letters=dead_letters or settings.ingest.dead_letters,
    )
    with shown(job) as progress:
        job.run(on_progress=progress.update)
    if job.tally.rejected:
        ctx.exit(SOME_REJECTED)
