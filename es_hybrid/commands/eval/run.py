"""`es-hybrid eval run`: measure the search on judged queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.eval._judging import llm_option, note_llm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from es_hybrid.retrieval.request import Mode
    from es_hybrid.settings import Settings


_LEGS: dict[str, Mode] = {"bm25": "bm25", "knn": "knn", "hybrid": "hybrid"}
_RERANKED = "reranked"


@click.command()
@click.argument("queries", type=click.Path(path_type=Path))
@click.argument("qrels", type=click.Path(path_type=Path))
@settings_options
@click.option(
    "--mode",
    "modes",
    type=click.Choice([*_LEGS, _RERANKED]),
    multiple=True,
    help="Ranking to measure; repeatable.  [default: all that the settings allow]",
)
@click.option("--by-language", is_flag=True, help="Add a row for each query language.")
@llm_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def run(
    queries: Path,
    qrels: Path,
    settings: Settings,
    modes: tuple[str, ...],
    by_language: bool,
    with_llm: bool,
    as_json: bool,
) -> None:
    """Measure nDCG@10, judged-only nDCG@10, Recall@100 and Judged@10.

    `hybrid` is the fused order; `reranked` is the order after reranking, as a search returns it.
    QUERIES is a TSV of id, text and language; QRELS has judgements in TREC format. Queries without
    a relevant product are skipped and counted.
    """
    import functools
    import json

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.evaluation.judgements import answerable, read_qrels, read_queries
    from es_hybrid.evaluation.measures import Run, summarize
    from es_hybrid.evaluation.runs import run_queries
    from es_hybrid.search import HybridSearch

    note_llm(qrels, with_llm)
    judged, all_queries = read_qrels(qrels, with_llm=with_llm), read_queries(queries)
    asked = answerable(all_queries, judged)
    runs: dict[str, Run] = {}
    with (
        HybridSearch.open(settings) as shop,
        Progress(transient=True, disable=not console().is_terminal) as progress,
    ):
        for name in modes or (*_LEGS, *([_RERANKED] if shop.reranks else [])):
            task = progress.add_task(name, total=len(asked))
            runs[name] = run_queries(
                shop,
                asked,
                mode=_LEGS.get(name, "hybrid"),
                rerank=name == _RERANKED,
                done=functools.partial(progress.advance, task),
            )
    rows = summarize(runs, judged, asked, by_language=by_language)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    console().print(_table(rows))
    click.echo(
        f"{len(asked)} queries; skipped {len(all_queries) - len(asked)} without a relevant product"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    from rich.table import Table

    from es_hybrid.evaluation.measures import MEASURES

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("lang", "queries", "mode", *MEASURES):
        table.add_column(name, justify="left" if name in ("lang", "mode") else "right")
    for row in rows:
        figures = (f"{row[name]:.3f}" for name in MEASURES)
        table.add_row(row["lang"], str(row["queries"]), row["mode"], *figures)
    return table
