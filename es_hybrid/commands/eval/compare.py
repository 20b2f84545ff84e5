"""`es-hybrid eval compare`: which of two searches is better on judged queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import cluster_options
from es_hybrid.commands.eval._options import (
    json_option,
    queries_option,
    rerank_option,
    size_option,
    worst_option,
)

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

# Exit status if the second search is worse.
_WORSE = 3


@click.command(
    epilog="Exit status: 0 B is as good as A, within the margin; 2 not measured; 3 B is worse."
)
@click.argument("a")
@click.argument("b")
@click.argument("qrels", type=click.Path(path_type=Path))
@cluster_options
@queries_option
@click.option(
    "--measure",
    type=click.Choice(["nDCG@10", "nDCG@10 judged only", "Recall@100", "RR", "P@10"]),
    default="nDCG@10",
    show_default=True,
    help="What to compare.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Fall of the mean from A to B that is accepted.",
)
@size_option
@rerank_option
@worst_option
@json_option
def compare(
    a: str,
    b: str,
    qrels: Path,
    settings: Settings,
    *,
    queries: Path | None,
    measure: str,
    margin: float,
    size: int | None,
    rerank: bool,
    worst: int,
    as_json: bool,
) -> None:
    """Compare A and B on judged queries, and fail if B is worse.

    A and B are settings files (`new.toml`, or `new.toml:INDEX` for another index), indices or
    aliases, or snapshots of answers (`.jsonl`, from `eval snapshot`). QRELS has judgements in TREC
    format.
    """
    import dataclasses
    import json
    from contextlib import ExitStack

    from es_hybrid.commands._output import console
    from es_hybrid.commands.eval._sources import open_source, queries_of
    from es_hybrid.commands.eval._tables import agreement_lines, difference_line, loss_table
    from es_hybrid.evaluation import comparison
    from es_hybrid.evaluation.judgements import judged_queries, read_qrels

    judged = read_qrels(qrels)
    with ExitStack() as opened:
        # Only nDCG@10 and P@10 need no more than a page.
        size = size or (10 if measure in ("nDCG@10", "P@10") else 100)
        one, other = (
            open_source(name, settings, opened, size=size, rerank=rerank) for name in (a, b)
        )
        asked = judged_queries(queries_of(queries, one, other), judged, place=str(qrels))
        compared = comparison.compare(
            one.answers, other.answers, asked, qrels=judged, measure=measure, worst=worst
        )
    change = compared.change
    assert change is not None
    is_worse = change.mean < -margin
    if as_json:
        body = {"measure": measure, "worse": is_worse, **dataclasses.asdict(compared)}
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        for loss in reversed(compared.worst):
            console().print(loss_table(loss, (a, b), graded=True), "")
        click.echo("\n".join(agreement_lines(compared)))
        click.echo(difference_line(measure, change))
        if is_worse:
            click.echo(f"B is worse than A by more than {margin:g}")
    if is_worse:
        click.get_current_context().exit(_WORSE)
