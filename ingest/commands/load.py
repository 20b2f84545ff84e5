"""`es-hybrid ingest load`: load products."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._running import (
    EPILOG,
    max_outage_option,
    run_job,
    runner_option,
    say,
    with_ingest,
)
from ingest.commands._sources import files_argument, format_option, map_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from es_hybrid.settings import Settings
    from ingest.load.attempt import RunnerName
    from ingest.sources import Format


@click.command(epilog=EPILOG)
@files_argument
@format_option
@map_option
@click.option(
    "--dead-letters",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where rejected rows go.  [default: es-hybrid.rejected.jsonl]",
)
@click.option(
    "--delete-missing",
    is_flag=True,
    help="In the end delete the documents that no row was of. The FILEs must be the whole feed.",
)
@click.option(
    "--max-delete-share",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Of the documents; where more are missing none is deleted.  [default: 0.2]",
)
@click.option(
    "--reuse-vectors-from",
    metavar="INDEX",
    help="Take over its vectors of unchanged texts.  [default: the version the alias stands for]",
)
@max_outage_option
@runner_option
@settings_options
@click.pass_context
def load(
    ctx: click.Context,
    files: tuple[str, ...],
    file_format: Format | None,
    mapping: Mapping[str, str],
    dead_letters: Path | None,
    delete_missing: bool,
    max_delete_share: float | None,
    reuse_vectors_from: str | None,
    max_outage: float | None,
    runner: RunnerName,
    settings: Settings,
) -> None:
    """Load products from FILEs: files, folders, URLs, an index as es://INDEX; - is standard input.

    JSONL, CSV, TSV, Parquet, Shopify's product export, also .gz, .zst and .zip. The index is made
    if it is not there. Rows that are stored already as they are cost nothing, and of a row whose
    text is the same only the fields that changed are written. What was interrupted goes on with
    `es-hybrid ingest resume`.
    """
    from ingest.load.attempt import Attempt
    from ingest.load.job import LoadJob

    job = LoadJob.of(
        with_ingest(settings, max_outage_s=max_outage, max_delete_share=max_delete_share),
        files,
        file_format=file_format,
        mapping=mapping,
        dead_letters=dead_letters,
        delete_missing=delete_missing,
        reuse_vectors_from=reuse_vectors_from,
        attempt=Attempt(runner=runner),
        say=say,
    )
    run_job(ctx, job)
