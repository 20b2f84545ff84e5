"""`es-hybrid ingest replay`: load rejected rows again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._running import EPILOG, max_outage_option, run_job, with_ingest

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command(epilog=EPILOG)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@max_outage_option
@settings_options
@click.pass_context
def replay(
    ctx: click.Context, file: Path | None, max_outage: float | None, settings: Settings
) -> None:
    """Load the rejected rows in FILE again, after the cause is corrected.

    Correct a setting, the index, or the rows in FILE itself. Rows that are taken are removed from
    FILE; the others stay, with the new reason. A row never overwrites one that was loaded after it.
    FILE defaults to es-hybrid.rejected.jsonl.
    """
    from ingest.load.replay import ReplayJob

    settings = with_ingest(settings, max_outage_s=max_outage)
    run_job(ctx, ReplayJob(settings=settings, dead_letters=file or settings.ingest.dead_letters))
