"""`es-hybrid ingest resume`: resume a load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_of
from ingest.commands._running import (
    EPILOG,
    connection_options,
    max_outage_option,
    run_job,
    runner_option,
    say,
    with_ingest,
)

if TYPE_CHECKING:
    from ingest.load.run import RunnerName


@click.command(epilog=EPILOG)
@click.argument("load", required=False)
@max_outage_option
@runner_option
@connection_options
@click.pass_context
def resume(
    ctx: click.Context,
    load: str | None,
    max_outage: float | None,
    runner: RunnerName,
    config: Path | None,
    url: str | None,
) -> None:
    """Resume LOAD, by default the newest unfinished one.

    Uses the index, files and flags of the original command. Skips slices that the ledger records as
    done, and compares the rows of the others with the index: what is stored is not embedded or
    written again.
    """
    from ingest.load.job import LoadJob
    from ingest.record.loads import find_load

    settings = with_ingest(settings_of(config, url=url, index=None), max_outage_s=max_outage)
    ledger = find_load(settings.ingest.ledger_dir, load, unfinished=True)
    say(f"resuming {ledger.stem}")
    run_job(ctx, LoadJob.resumed(settings, ledger, runner=runner))
