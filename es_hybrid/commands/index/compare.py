"""`es-hybrid index compare`: two indices asked the same queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import cluster_options

if TYPE_CHECKING:
    from es_hybrid.evaluation.comparison import Comparison
    from es_hybrid.settings import Settings

SAMPLED = 50


@click.command()
@click.argument("first")
@click.argument("second")
@cluster_options
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help=f"TSV of id and text.  [default: {SAMPLED} titles of FIRST]",
)
@click.option("--qrels", type=click.Path(path_type=Path), help="Judgements; adds nDCG@10.")
@click.option("-k", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option(
    "--second-config",
    type=click.Path(path_type=Path),
    help="Settings file of SECOND, where it has another model or vector field.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(
    first: str,
    second: str,
    settings: Settings,
    *,
    queries: Path | None,
    qrels: Path | None,
    k: int,
    second_config: Path | None,
    as_json: bool,
) -> None:
    """Compare FIRST and SECOND: overlap of their first k hits, and nDCG@10 where judged.

    Without a reranker: what is compared is the indices. The same index with another
    --second-config compares two vector fields of it.
    """
    import dataclasses
    import json
    from contextlib import ExitStack

    from es_hybrid.commands._shared import settings_of
    from es_hybrid.commands.index._connected import connected, embedding
    from es_hybrid.evaluation import comparison
    from es_hybrid.evaluation.judgements import read_qrels, read_queries
    from es_hybrid.evaluation.promotion import Side, sampled_titles

    asked = read_queries(queries) if queries else []
    judged = read_qrels(qrels) if qrels else None
    with ExitStack() as stack:
        client = stack.enter_context(connected(settings))
        embedder = stack.enter_context(embedding(settings))
        one, other = Side(first, settings, embedder), Side(second, settings, embedder)
        if second_config:
            theirs = settings_of(second_config, url=None, index=None)
            other = Side(second, theirs, stack.enter_context(embedding(theirs)))
        made = comparison.compare(
            stack.enter_context(one.search(client)),
            stack.enter_context(other.search(client)),
            asked or sampled_titles(client, one, SAMPLED),
            k=k,
            qrels=judged,
        )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(made), indent=2))
    else:
        click.echo(_as_lines(made, first, second))


def _as_lines(made: Comparison, first: str, second: str) -> str:
    lines = [
        f"{made.queries} queries",
        f"overlap@{made.k}   {made.overlap:.3f}",
        f"same first   {made.same_first:.1%}",
    ]
    if made.ndcg is not None:
        one, other = made.ndcg
        lines += [
            f"nDCG@10      {one:.3f} {first}, {other:.3f} {second}: {other - one:+.3f} "
            f"({made.judged} judged queries)"
        ]
    return "\n".join(lines)
