"""`es-hybrid index dims`: measure fewer dims and quantised vectors on your own products."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, embedding, settings_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from es_hybrid.evaluation.dims import DimsResult
    from es_hybrid.evaluation.dims_setup import OpenedLab
    from es_hybrid.settings import Settings, VectorIndexType

_DIMS = (256, 512, 1024)
_TYPES: tuple[VectorIndexType, ...] = ("hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw")


@click.command()
@click.option("--queries", type=click.Path(path_type=Path), help="TSV of id and text.")
@click.option("--qrels", type=click.Path(path_type=Path), help="Judgements in TREC format.")
@click.option(
    "--dims", "sizes", type=click.IntRange(64), multiple=True, metavar="N",
    help="Number of dims to measure, in addition to the index's own; repeatable.  "
    f"[default: {', '.join(map(str, _DIMS))}]",
)  # fmt: skip
@click.option(
    "--type", "types", type=click.Choice(_TYPES), multiple=True,
    help="Index type to measure, in addition to exact search; repeatable.  [default: all]",
)  # fmt: skip
@click.option(
    "--documents", type=click.IntRange(1), default=20_000, show_default=True, metavar="N",
    help="Random products to use, in addition to those judged relevant.",
)  # fmt: skip
@click.option(
    "--plot", "plot_file", type=click.Path(path_type=Path, dir_okay=False),
    default=Path("es-hybrid-dims.png"), show_default=True, help="PNG file to write the plot to.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def dims(
    *,
    queries: Path | None,
    qrels: Path | None,
    sizes: tuple[int, ...],
    types: tuple[VectorIndexType, ...],
    documents: int,
    plot_file: Path,
    as_json: bool,
    settings: Settings,
) -> None:
    """Measure the cost and savings of fewer dims and quantised vectors on an index's own vectors.

    Reads the vectors from the index, truncates them, writes them into scratch indices and deletes
    these again. Embeds only the queries. Without --queries and --qrels it searches for titles,
    each relevant to its own product. Shows nDCG@10, recall against exact search, memory and
    latency.
    """
    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.evaluation.dims import choose
    from es_hybrid.evaluation.dims_plot import plot
    from es_hybrid.evaluation.dims_setup import open_lab
    from es_hybrid.evaluation.judgements import read_judged

    judged = read_judged(queries, qrels) if queries and qrels else None
    if judged is None and (queries or qrels):
        raise click.UsageError("--queries and --qrels must be given together")
    with connected(settings) as client, embedding(settings) as embedder:
        opened = open_lab(client, settings, embedder, judged=judged, most=documents)
        full = opened.passport.dims
        tried = {full, *(size for size in sizes or _DIMS if size < full)}
        for note in opened.notes:
            click.secho(f"note: {note}", fg="yellow", err=True)
        with Progress(transient=True, disable=not console().is_terminal) as progress:
            task = progress.add_task("measuring", total=len(tried) * (1 + len(types or _TYPES)))
            results = opened.lab.run(
                sorted(tried), types or _TYPES, done=lambda: progress.advance(task)
            )
    chosen = choose(results)
    plot(results, plot_file, title=_title(opened))
    if as_json:
        click.echo(_json(opened, results, chosen))
        return
    click.echo(_title(opened))
    console().print(_table(results, chosen))
    click.echo(_verdict(results, chosen))
    click.echo(f"plot: {plot_file}")


def _title(opened: OpenedLab) -> str:
    lab, passport = opened.lab, opened.passport
    return (
        f"{passport.model}, {passport.dims} dims; {len(lab.sample.ids):,} products, "
        f"{len(lab.queries)} queries, {lab.num_candidates:,} candidates"
    )


def _table(results: Sequence[DimsResult], chosen: DimsResult) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ("nDCG@10", "recall@10", "recall@100", "of full@10", "p50 ms", "p95 ms",
             "memory MiB", "disk MiB", "index MiB", "")  # fmt: skip
    table.add_column("dims", justify="right")
    table.add_column("type")
    for name in names:
        table.add_column(name, justify="right")
    for one in results:
        table.add_row(
            str(one.dims),
            "exact (flat)" if one.vector_type == "flat" else one.vector_type,
            *(f"{share:.3f}" for share in (one.ndcg, one.recall_10, one.recall_100, one.kept)),
            f"{one.p50_ms:.1f}",
            f"{one.p95_ms:.1f}",
            "-" if one.memory_bytes is None else f"{one.memory_bytes / 2**20:,.1f}",
            f"{one.disk_bytes / 2**20:,.1f}",
            f"{one.index_bytes / 2**20:,.1f}",
            "chosen" if one is chosen else "",
            style="green" if one is chosen else "",
        )
    return table


def _verdict(results: Sequence[DimsResult], chosen: DimsResult) -> str:
    from es_hybrid.evaluation.dims import TOLERANCE

    exact = results[0].ndcg
    lines = [
        f"Least memory within {TOLERANCE} nDCG@10 of the best type:",
        "",
        f'[embedding]\ndims = {chosen.dims}\n\n[index]\nvector_type = "{chosen.vector_type}"',
        "",
    ]
    if exact - chosen.ndcg > TOLERANCE:
        lines.append(
            f"Exact search with full dims scores {exact - chosen.ndcg:.3f} higher: "
            "also try a higher search.num_candidates."
        )
    return "\n".join(lines)


def _json(opened: OpenedLab, results: Sequence[DimsResult], chosen: DimsResult) -> str:
    import json
    from dataclasses import asdict

    lab, passport = opened.lab, opened.passport
    answer = {
        "model": passport.model,
        "products": len(lab.sample.ids),
        "products_in_all": lab.sample.total,
        "queries": len(lab.queries),
        "num_candidates": lab.num_candidates,
        "notes": opened.notes,
        "results": [asdict(one) for one in results],
        "choice": {"dims": chosen.dims, "vector_type": chosen.vector_type},
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)
