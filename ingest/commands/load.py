"""`es-hybrid ingest load`: load products."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from es_hybrid.settings import Settings
    from ingest.sources import Format

# The statuses beside an EsHybridError's own 2.
_SOME_REJECTED = 1
_NOTHING_LOADED = 2


def _mapping(ctx: click.Context, param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """`field=column` pairs."""
    mapping = {}
    for pair in pairs:
        field, found, column = pair.partition("=")
        if not found or not field.strip() or not column.strip():
            raise click.BadParameter(f"{pair!r} is not FIELD=COLUMN", ctx=ctx, param=param)
        mapping[field.strip()] = column.strip()
    return mapping


@click.command(epilog="Exit status: 0 all rows fine, 1 some rejected, 2 could not go on.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["jsonl", "csv", "tsv", "parquet"]),
    help="Of all FILEs.  [default: by each name; needed for -]",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    callback=_mapping,
    metavar="FIELD=COLUMN",
    help="Take a product's FIELD from a COLUMN, over ingest.fields. Repeatable.",
)
@click.option(
    "--dead-letters",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where rejected rows go.  [default: es-hybrid.rejected.jsonl]",
)
@settings_options
@click.pass_context
def load(
    ctx: click.Context,
    files: tuple[str, ...],
    file_format: Format | None,
    mapping: Mapping[str, str],
    dead_letters: Path | None,
    settings: Settings,
) -> None:
    """Load products from JSONL, CSV, TSV or Parquet, also .gz and .zst; - is standard input.

    The index is made if it is not there. Rows that are stored already as they are cost nothing,
    so a load that was interrupted is simply run again.
    """
    from rich.console import Console

    from ingest.job import LoadJob
    from ingest.progress import Progress
    from ingest.tally import final_report

    job = LoadJob.of(
        settings, files, file_format=file_format, mapping=mapping, dead_letters=dead_letters
    )

    def say(line: str) -> None:
        click.echo(line, err=True)

    try:
        with Progress(Console(stderr=True), say) as progress:
            job.run(say=say, on_progress=progress.update)
    finally:
        if job.tally.rows:
            rejected = str(job.dead_letters)
            click.echo(final_report(job.tally, index=job.index, dead_letters=rejected))
    if job.tally.rejected:
        ctx.exit(_SOME_REJECTED if job.tally.ended > job.tally.rejected else _NOTHING_LOADED)
