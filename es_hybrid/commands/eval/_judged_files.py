"""Options and output of the commands that write queries and qrels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from es_hybrid.evaluation.judging.formats.rated import Reject
    from es_hybrid.evaluation.judging.importing import ImportTally

_file = click.Path(path_type=Path, dir_okay=False)


def judged_files_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--queries` and `--qrels`, the files to write."""
    for option in (
        click.option(
            "--qrels", type=_file, default=Path("qrels.txt"), show_default=True,
            help="Write the judgements to this new file.",
        ),
        click.option(
            "--queries", type=_file, default=Path("queries.tsv"), show_default=True,
            help="Write the queries to this new file.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def printing() -> tuple[Reject, Callable[[], int]]:
    """Prints every line that cannot be used to standard error, and counts them."""
    rejected = 0

    def reject(error: Exception) -> None:
        nonlocal rejected
        rejected += 1
        click.echo(str(error), err=True)

    return reject, lambda: rejected


def print_tally(tally: ImportTally, qrels: Path) -> None:
    """Print how many judgements of each grade were written."""
    counts = sorted(tally.grades.items())
    graded = ", ".join(f"{count:,} of grade {grade}" for grade, count in counts)
    click.echo(
        f"{tally.grades.total():,} judgements for {tally.queries:,} queries in {qrels}: {graded}"
    )
    if tally.repeated:
        click.echo(f"{tally.repeated:,} repeated with the same grade")
    if tally.by_llm:
        click.echo(f"{tally.by_llm:,} by an LLM only, marked `llm` in the second column")
