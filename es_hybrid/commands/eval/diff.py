"""`es-hybrid eval diff`: how the answers of two searches differ, without judgements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import cluster_options
from es_hybrid.commands.eval._options import (
    json_option,
    queries_option,
    rerank_option,
    worst_option,
)

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.argument("a")
@click.argument("b")
@cluster_options
@queries_option
@click.option(
    "-k", type=click.IntRange(1, 100), default=10, show_default=True, help="Hits to compare."
)
@rerank_option
@worst_option
@json_option
def diff(
    a: str,
    b: str,
    settings: Settings,
    *,
    queries: Path | None,
    k: int,
    rerank: bool,
    worst: int,
    as_json: bool,
) -> None:
    """Show how much the first hits of A and B differ, and for which queries most.

    A and B are as in `eval compare`. Without queries and snapshots, it searches for titles of A.
    """
    import dataclasses
    import json
    from contextlib import ExitStack

    from es_hybrid.commands._output import console
    from es_hybrid.commands.eval._sources import open_source, queries_of
    from es_hybrid.commands.eval._tables import agreement_lines, loss_table
    from es_hybrid.evaluation import comparison

    with ExitStack() as opened:
        one, other = (open_source(name, settings, opened, size=k, rerank=rerank) for name in (a, b))
        asked = queries_of(queries, one, other)
        compared = comparison.compare(one.answers, other.answers, asked, k=k, worst=worst)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(compared), ensure_ascii=False, indent=2))
        return
    for loss in reversed(compared.worst):
        console().print(loss_table(loss, (a, b), graded=False), "")
    click.echo("\n".join(agreement_lines(compared)))
