"""`es-hybrid ingest load`: load products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from ingest.commands._running import (
    EPILOG,
    dead_letters_option,
    max_outage_option,
    run_job,
    runner_option,
    say,
    with_ingest,
)
from ingest.commands._sources import files_argument, format_option, map_option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from es_hybrid.settings import Settings
    from ingest.load.run import RunnerName
    from ingest.sources import Format


@click.command(epilog=EPILOG)
@files_argument
@format_option
@map_option
@dead_letters_option
@click.option(
    "--delete-missing",
    is_flag=True,
    help="Afterwards, delete documents that have no row. FILEs must be the complete feed.",
)
@click.option(
    "--max-delete-share",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Delete none if a larger share of the documents is missing.  [default: 0.2]",
)
@click.option(
    "--reuse-vectors-from",
    metavar="INDEX",
    help="Copy the vectors of unchanged texts from INDEX.  [default: the alias's live version]",
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
    """Load products from FILEs: files, folders, URLs, es://INDEX, or - for standard input.

    Reads JSONL, CSV, TSV, Parquet and the exports of shop platforms, also as .gz, .zst and .zip.
    Creates the index if it does not exist. Skips rows that are stored unchanged; if only the text
    of a row is unchanged, writes the changed fields without embedding. Resume an interrupted load
    with `es-hybrid ingest resume`.
    """
    from ingest.load.job import LoadJob

    job = LoadJob.of(
        with_ingest(settings, max_outage_s=max_outage, max_delete_share=max_delete_share),
        files,
        file_format=file_format,
        mapping=mapping,
        dead_letters=dead_letters,
        delete_missing=delete_missing,
        reuse_vectors_from=reuse_vectors_from,
        runner=runner,
        say=say,
    )
    run_job(ctx, job)
