"""What the commands that load share: flags, the run itself, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from es_hybrid.settings import Settings
    from ingest.load.job import LoadJob
    from ingest.load.replay import ReplayJob

# The statuses beside an EsHybridError's own.
SOME_REJECTED = 1
NOTHING_LOADED = 2
EPILOG = (
    "Exit status: 0 all rows fine, 1 some rejected, 2 could not go on, 75 a server stayed away, "
    "130 stopped by Ctrl-C."
)

max_outage_option = click.option(
    "--max-outage",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long a server may be away before the load gives up.  [default: 600]",
)

runner_option = click.option(
    "--runner",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where the work is done: in threads, or in actors of a Ray cluster (extra `scale`).",
)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config and --url, for commands to which a ledger says the index."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Settings file.  [default: es-hybrid.toml, where there is one]",
    )
    url = click.option(
        "--url",
        help="Elasticsearch.  [default: the embedded node that runs, or http://localhost:9200]",
    )
    return config(url(command))


def with_ingest(settings: Settings, **changed: Any) -> Settings:
    """The settings with those of the section `ingest` that a flag gives."""
    given = {name: value for name, value in changed.items() if value is not None}
    ingest = settings.ingest.model_copy(update=given)
    return settings.model_copy(update={"ingest": ingest})


def run_job(ctx: click.Context, job: LoadJob | ReplayJob) -> None:
    """Run a load, show how it goes, and end with its status."""
    from rich.console import Console

    from ingest.load.signals import stopped_by_signals
    from ingest.record.progress import Progress
    from ingest.record.tally import final_report

    try:
        with (
            Progress(Console(stderr=True), say) as progress,
            stopped_by_signals(job.attempt.stop, say),
        ):
            job.run(say=say, on_progress=progress.update)
    finally:
        if job.tally.rows:
            rejected = str(job.dead_letters)
            click.echo(final_report(job.tally, index=job.index, dead_letters=rejected))
    if job.rejected:
        ctx.exit(SOME_REJECTED if job.taken else NOTHING_LOADED)


def say(line: str) -> None:
    """A line beside the report, on standard error."""
    click.echo(line, err=True)
