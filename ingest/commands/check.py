"""`es-hybrid ingest check`: validate a feed without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._sources import files_argument, format_option, map_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from es_hybrid.settings import Settings
    from ingest.sources import Format

_SOMETHING_TO_MEND = 1
_CANNOT_BE_LOADED = 2


@click.command(
    epilog="Exit status: 0 all fine, 1 rows to be rejected or ids twice, 2 it cannot be loaded so."
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
    """Read and clean every row as a load would; embed and write nothing.

    Shows what would be rejected and why, ids that stand twice, languages, categories, prices, how
    long the texts are, and whether the index fits, where the cluster can be reached.
    """
    from ingest.checking import as_json as report_json
    from ingest.checking import as_lines, check_feed, check_target
    from ingest.sources import find_sources

    fields = {**settings.ingest.fields, **mapping}
    ingest = settings.ingest.model_copy(update={"fields": fields})
    settings = settings.model_copy(update={"ingest": ingest})
    sources = find_sources(files, file_format, say=lambda line: click.echo(line, err=True))
    feed = check_feed(settings, sources)
    target = check_target(settings)
    click.echo(report_json(feed, target) if as_json else as_lines(feed, target, settings))
    if feed.unreadable or not feed.products or target.state == "conflict":
        ctx.exit(_CANNOT_BE_LOADED)
    if feed.rejected or feed.superseded:
        ctx.exit(_SOMETHING_TO_MEND)
