"""`es-hybrid eval sample`: the results to judge next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.evaluation.judgements import Qrels
    from es_hybrid.settings import Settings

_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("queries", type=_file)
@click.argument("qrels", type=_file, required=False)
@click.option(
    "--size", default=200, show_default=True, type=click.IntRange(1), help="Results to propose."
)
@click.option(
    "--depth",
    default=10,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Only results up to this rank of a stage.",
)
@click.option("--pool", type=_file, help="Write them to this file.  [default: judge.pool]")
@settings_options
def sample(
    queries: Path, qrels: Path | None, size: int, depth: int, pool: Path | None, settings: Settings
) -> None:
    """Search the QUERIES and propose which results to judge next.

    Those that are not judged in QRELS or in the file of `judge.judgements` yet, first where a
    judgement can change the figures most: near the top of what shoppers see, and where BM25, kNN,
    the fused order and the reranker disagree.
    """
    import functools

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.evaluation.judgements import read_queries
    from es_hybrid.evaluation.judging.pool import write_pool
    from es_hybrid.evaluation.judging.sampling import sample as sampled
    from es_hybrid.search import HybridSearch

    asked = read_queries(queries)
    judged = _judged(qrels, settings)
    with (
        HybridSearch.open(settings.with_(events={"enabled": False})) as shop,
        Progress(transient=True, disable=not console().is_terminal) as progress,
    ):
        done = functools.partial(progress.advance, progress.add_task("search", total=len(asked)))
        found = sampled(shop, asked, judged, size=size, depth=depth, done=done)
    target = pool or settings.judge.pool
    write_pool(found, target)
    click.echo(
        f"{len(found):,} results of {len({item.query_id for item in found}):,} queries in {target}"
    )


def _judged(qrels: Path | None, settings: Settings) -> Qrels:
    """Judged by people, in either file."""
    from es_hybrid.evaluation.judgements import read_qrels
    from es_hybrid.evaluation.judging.store import JudgementStore, grades_of

    judged = read_qrels(qrels) if qrels else {}
    for (query_id, id_), by_judge in JudgementStore(settings.judge.judgements).read().items():
        if grades := grades_of(by_judge, llm=False):
            judged.setdefault(query_id, {})[id_] = grades[0]
    return judged
