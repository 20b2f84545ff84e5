"""`es-hybrid ingest status`: show the status of a load."""

from __future__ import annotations

from pathlib import Path

import click

from es_hybrid.commands._shared import settings_of
from ingest.commands._running import connection_options


@click.command()
@click.argument("load", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@connection_options
def status(load: str | None, as_json: bool, config: Path | None, url: str | None) -> None:
    """Show the progress of LOAD, by default the newest one, and the verdicts on its rows.

    Works while the load runs and after it ended or was killed.
    """
    import json

    from ingest.record.loads import find_load
    from ingest.record.status import read_status

    settings = settings_of(config, url=url, index=None)
    found = read_status(settings, find_load(settings.ingest.ledger_dir, load))
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        click.echo("\n".join(found.lines()))
