"""`es-hybrid ingest check`: validate a feed without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._running import IDS_REPEATED, SOME_REJECTED, say
from ingest.commands._sources import files_argument, format_option, map_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from es_hybrid.settings import Settings
    from ingest.sources import Format

_CANNOT_BE_LOADED = 2


@click.command(
    epilog="Exit status, as of a load: 0 no problems, 1 rejected rows, 2 cannot be loaded, 3 rows "
    "share an id."
)
@files_argument
@format_option
@map_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[str, ...],
    file_format: Format | None,
    mapping: Mapping[str, str],
    as_json: bool,
    settings: Settings,
) -> None:
    """Read and clean every row as a load would, but embed and write nothing.

    Shows rejected rows with reasons, duplicate ids, languages, categories, prices and text lengths.
    If the cluster can be reached, also shows whether the index fits.
    """
    from ingest.checking import as_json as report_json
    from ingest.checking import as_lines, check_feed, check_target
    from ingest.load.job import repeated_ids_allowed
    from ingest.sources import find_sources

    settings = settings.with_(ingest={"fields": {**settings.ingest.fields, **mapping}})
    sources = find_sources(files, file_format, say=say)
    feed = check_feed(settings, sources)
    target = check_target(settings)
    click.echo(report_json(feed, target) if as_json else as_lines(feed, target, settings))
    if feed.unreadable or not feed.products or target.state == "conflict":
        ctx.exit(_CANNOT_BE_LOADED)
    if feed.rejected:
        ctx.exit(SOME_REJECTED)
    if feed.repeated and not repeated_ids_allowed(settings):
        ctx.exit(IDS_REPEATED)
