"""`es-hybrid ingest map`: propose a field mapping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._running import say
from ingest.commands._sources import files_argument, format_option

if TYPE_CHECKING:
    from es_hybrid.settings import Settings
    from ingest.sources import Format
    from ingest.sources.exports.export import Export

_NO_ID_OR_TITLE = 1
_SETTINGS_FILE = Path("es-hybrid.toml")


@click.command(
    "map", epilog="Exit status: 0 proposed a mapping, 1 no column for id or title, 2 no rows."
)
@files_argument
@format_option
@click.option("--rows", type=click.IntRange(1), default=1000, show_default=True,
              help="Rows to examine.")  # fmt: skip
@click.option(
    "--write", is_flag=True, help="Write the mapping into the settings file and keep the rest."
)
@settings_options
@click.pass_context
def map_(
    ctx: click.Context,
    files: tuple[str, ...],
    file_format: Format | None,
    rows: int,
    write: bool,
    settings: Settings,
) -> None:
    """Propose the field mapping of a feed from the names and values of its columns.

    Prints a section for es-hybrid.toml: each field with the reason and some values, then the fields
    without a column and the unused columns. A platform's export needs no mapping: prints where its
    fields are from. Review it, then try it with `ingest check FILE`.
    """
    from ingest.mapping import as_toml, columns_of, propose, write_settings
    from ingest.sources import sampled_rows

    exports: list[Export] = []
    sample = sampled_rows(files, file_format, settings=settings, count=rows, found=exports.append)
    proposal = propose(columns_of(sample), exports[0] if exports else None)
    click.echo(f"# {', '.join(files)}: {proposal.rows:,} rows examined")
    click.echo(as_toml(proposal), nl=False)
    lacking = [name for name in ("id", "title") if name not in proposal.chosen]
    if lacking:
        say(f"no column found for {' and '.join(lacking)}: map it by hand")
        ctx.exit(_NO_ID_OR_TITLE)
    if write:
        path = ctx.params.get("config") or _SETTINGS_FILE
        write_settings(proposal, path)
        say(f"written to {path}")
