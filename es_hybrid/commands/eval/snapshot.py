"""`es-hybrid eval snapshot`: store the answers of a search, to compare with them later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.eval._options import rerank_option

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.argument("queries", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@settings_options
@click.option(
    "--size",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Hits to store; more than `search.window` widens the window of the search.",
)
@rerank_option
def snapshot(queries: Path, file: Path, settings: Settings, *, size: int, rerank: bool) -> None:
    """Store the answers to QUERIES in FILE (`.jsonl`), for `eval diff` and `eval compare`."""
    from contextlib import ExitStack

    from es_hybrid.commands.eval._sources import open_live
    from es_hybrid.evaluation.answers import write_snapshot
    from es_hybrid.evaluation.judgements import read_queries

    if file.suffix != ".jsonl":
        raise click.UsageError(f"{file} does not end with .jsonl")
    asked = read_queries(queries)
    with ExitStack() as opened:
        source = open_live(settings, opened, size=size, rerank=rerank)
        write_snapshot(file, source, asked)
    click.echo(f"{len(asked)} answers in {file}")
