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
    """Load the rows of a FILE of dead letters again, once the cause is set right.

    The cause may be a setting, the index, or a row: correct it in FILE itself. Rows that are
    taken leave FILE; the others stay, with the new reason. A row never overwrites one that was
    loaded after it. FILE is by default es-hybrid.rejected.jsonl.
    """
    from ingest.load.replay import ReplayJob

    settings = with_ingest(settings, max_outage_s=max_outage)
    run_job(ctx, ReplayJob(settings=settings, dead_letters=file or settings.ingest.dead_letters))
