"""`es-hybrid eval watch`: raise an alarm when answers move away from golden ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.eval._options import rerank_option

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

_ALARM = 3
_SHARE = click.FloatRange(0, 1)


@click.command(epilog="Exit status: 0 no alarm, 2 error, 3 alarm.")
@click.argument("golden", type=click.Path(path_type=Path))
@settings_options
@click.option(
    "--overlap", type=_SHARE, default=0.5, show_default=True, metavar="SHARE",
    help="Alarm if a query keeps less than this of its first k hits.",
)  # fmt: skip
@click.option(
    "--mean-overlap", type=_SHARE, default=0.8, show_default=True, metavar="SHARE",
    help="Alarm if the queries keep less than this on average.",
)  # fmt: skip
@click.option(
    "-k", type=click.IntRange(1, 100), default=10, show_default=True, help="Hits to compare."
)
@rerank_option
@click.pass_context
def watch(
    ctx: click.Context,
    golden: Path,
    settings: Settings,
    *,
    overlap: float,
    mean_overlap: float,
    k: int,
    rerank: bool,
) -> None:
    """Search for the queries of GOLDEN, a file of `eval snapshot`, and compare the hits.

    Prints one line for each alarm and nothing else, for cron: a query that has lost many of its
    hits, one whose search was degraded, and too many changes on average.
    """
    from contextlib import ExitStack, closing

    from es_hybrid.commands.eval._sources import open_live
    from es_hybrid.evaluation.answers import Snapshot
    from es_hybrid.evaluation.watch import DriftLimits, alarms

    limits = DriftLimits(overlap=overlap, mean_overlap=mean_overlap, k=k)
    raised = False
    with ExitStack() as opened:
        stored = opened.enter_context(closing(Snapshot(golden)))
        live = open_live(settings, opened, size=k, rerank=rerank)
        for alarm in alarms(stored, live, limits):
            click.echo(alarm)
            raised = True
    if raised:
        ctx.exit(_ALARM)
