"""`es-hybrid ingest resume`: go on with a load."""

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
    with_ingest,
)

if TYPE_CHECKING:
    from ingest.load.attempt import RunnerName


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
    """Go on with LOAD, by default the newest one that is not finished.

    Index, files and flags are those the load began with. Shards that its ledger has are passed
    over, the others are held against the index: what is stored is not embedded or written again.
    """
    from ingest.load.attempt import Attempt
    from ingest.load.job import LoadJob
    from ingest.record.loads import find_load

    settings = with_ingest(settings_of(config, url=url, index=None), max_outage_s=max_outage)
    ledger = find_load(settings.ingest.ledger_dir, load, unfinished=True)
    click.echo(f"going on with {ledger.stem}", err=True)
    run_job(ctx, LoadJob.resumed(settings, ledger, attempt=Attempt(runner=runner)))
