"""`es-hybrid index compare`: run the same queries on two indices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import cluster_options, connected, embedding, settings_of

if TYPE_CHECKING:
    from es_hybrid.evaluation.comparison import IndexComparison
    from es_hybrid.settings import Settings

_TITLES = 50


@click.command()
@click.argument("first")
@click.argument("second")
@cluster_options
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help=f"TSV of id and text.  [default: {_TITLES} titles of FIRST]",
)
@click.option("--qrels", type=click.Path(path_type=Path), help="TREC judgements; adds nDCG@10.")
@click.option(
    "-k", type=click.IntRange(1, 100), default=10, show_default=True, help="Hits to compare."
)
@click.option(
    "--second-config",
    type=click.Path(path_type=Path),
    help="Settings file of SECOND, if it uses another model or vector field.",
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
    """Compare FIRST and SECOND by the overlap of their first k hits, and by nDCG@10 if judged.

    Searches without the reranker, to compare the indices themselves. Name the same index twice
    with a --second-config to compare two of its vector fields.
    """
    import dataclasses
    import json
    from contextlib import ExitStack

    from es_hybrid.evaluation import comparison
    from es_hybrid.evaluation.judgements import read_qrels, read_queries
    from es_hybrid.evaluation.promotion import SearchedIndex, sampled_titles

    asked = read_queries(queries) if queries else []
    judged = read_qrels(qrels) if qrels else None
    with ExitStack() as stack:
        client = stack.enter_context(connected(settings))
        embedder = stack.enter_context(embedding(settings))
        one = SearchedIndex(first, settings, embedder)
        other = SearchedIndex(second, settings, embedder)
        if second_config:
            theirs = settings_of(second_config, url=None, index=None)
            other = SearchedIndex(second, theirs, stack.enter_context(embedding(theirs)))
        compared = comparison.compare(
            stack.enter_context(one.search(client)),
            stack.enter_context(other.search(client)),
            asked or sampled_titles(client, one, _TITLES),
            k=k,
            qrels=judged,
        )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(compared), indent=2))
    else:
        click.echo(_as_lines(compared, first, second))


def _as_lines(compared: IndexComparison, first: str, second: str) -> str:
    lines = [
        f"{compared.queries} queries",
        f"overlap@{compared.k}   {compared.overlap:.3f}",
        f"same first   {compared.same_first:.1%}",
    ]
    if compared.ndcg is not None:
        one, other = compared.ndcg
        lines += [
            f"nDCG@10      {one:.3f} {first}, {other:.3f} {second}: {other - one:+.3f} "
            f"({compared.judged} judged queries)"
        ]
    return "\n".join(lines)
