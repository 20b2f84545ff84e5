"""What the commands that load share: flags, progress, signals, report and exit status."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.garbage import collect_rarely

if TYPE_CHECKING:
    from es_hybrid.settings import Settings
    from ingest.backfill.job import BackfillJob
    from ingest.load.job import LoadJob
    from ingest.load.replay import ReplayJob
    from ingest.record.progress import Progress

# Exit statuses besides that of an EsHybridError.
SOME_REJECTED = 1
NOTHING_LOADED = 2
IDS_REPEATED = 3
EPILOG = (
    "Exit status: 0 all rows loaded, 1 some rejected, 2 error, 3 rows share an id, so there are "
    "fewer documents, 75 a server stayed unavailable, 130 stopped by Ctrl-C."
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

max_outage_option = click.option(
    "--max-outage",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Give up when a server is unavailable for longer.  [default: 600]",
)

dead_letters_option = click.option(
    "--dead-letters",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for what is rejected.  [default: es-hybrid.rejected.jsonl]",
)

runner_option = click.option(
    "--runner",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Process rows in threads, or in actors of a Ray cluster (extra `scale`).",
)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config and --url, for commands that take the index from a ledger."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Settings file.  [default: es-hybrid.toml, if it exists]",
    )
    url = click.option(
        "--url",
        help="Elasticsearch.  [default: the running embedded node, or http://localhost:9200]",
    )
    return config(url(command))


def with_ingest(settings: Settings, **flags: Any) -> Settings:
    """The settings with the flags that are given in their section `ingest`."""
    return settings.with_(ingest={name: flag for name, flag in flags.items() if flag is not None})


@contextlib.contextmanager
def shown(job: LoadJob | ReplayJob | BackfillJob) -> Iterator[Progress]:
    """Show the progress of a job, stop it on a signal, and print its report."""
    from rich.console import Console

    from ingest.record.progress import Progress

    collect_rarely()  # the process is the command's
    try:
        with Progress(Console(stderr=True), say) as progress, stopped_by_signals(job.stop):
            yield progress
    finally:
        if job.tally.begun:
            click.echo(job.tally.report(index=job.index, dead_letters=str(job.dead_letters)))


def run_job(ctx: click.Context, job: LoadJob | ReplayJob) -> None:
    """Run a load, and exit with its status."""
    with shown(job) as progress:
        job.run(say=say, on_progress=progress.update)
    if job.rejected:
        ctx.exit(SOME_REJECTED if job.taken else NOTHING_LOADED)
    if job.repeated:
        ctx.exit(IDS_REPEATED)


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` with the number of the first SIGINT or SIGTERM.

    A second one ends the process like `kill -9`; the ledger stays valid.
    """
    seen: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        say("stopping after the current batches; a second signal stops at once")
        stop(number)

    before: dict[int, Any] = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(line: str) -> None:
    """Print a line on standard error."""
    click.echo(line, err=True)
