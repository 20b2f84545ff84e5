"""`es-hybrid eval check`: compare the vector search of an index with exact search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._shared import connected, embedding, settings_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from es_hybrid.evaluation.neighbours import NeighbourRecall
    from es_hybrid.settings import Settings

_TITLES = 100
_TOO_FEW = 3
# Worst recall that raises no question about the index type.
_GOOD = 0.95


@click.command(epilog="Exit status: 0 `search.num_candidates` is enough, 2 error, 3 it is too low.")
@click.option(
    "--queries", type=click.Path(path_type=Path),
    help=f"TSV of id and text.  [default: {_TITLES} titles of the index]",
)  # fmt: skip
@click.option(
    "--num-candidates", "numbers", type=click.IntRange(1, 10_000), multiple=True, metavar="N",
    help="Number of candidates to measure, in addition to the present one; repeatable.  "
    "[default: 100 to 10,000]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
@click.pass_context
def check(
    ctx: click.Context,
    *,
    queries: Path | None,
    numbers: tuple[int, ...],
    as_json: bool,
    settings: Settings,
) -> None:
    """Measure how many of the nearest products a vector search finds, also under filters.

    Reads every vector of the index once, and compares the search of the index, as it is mapped,
    with exact search: without a filter, and with values of its fields that keep about a half, a
    tenth, a hundredth and a thousandth of the products. Recommends the least num_candidates beyond
    which more find hardly more of the first ten.
    """
    import numpy as np
    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.evaluation.judgements import read_queries
    from es_hybrid.evaluation.neighbours import (
        NUM_CANDIDATES,
        NeighbourCheck,
        recommended,
        sampled_filters,
    )
    from es_hybrid.evaluation.promotion import sampled_titles
    from es_hybrid.index.lifecycle import describe_index
    from es_hybrid.index.passport import check_identity

    index, k, present = settings.index.name, settings.search.window, settings.search.num_candidates
    tried = sorted({present, *(number for number in numbers or NUM_CANDIDATES if number >= k)})
    with connected(settings) as client, embedding(settings) as embedder:
        described = describe_index(client, index, vector_field=settings.index.vector_field)
        passport = described.passport
        check_identity(passport, embedder.identity, index=index)
        asked = read_queries(queries) if queries else sampled_titles(client, settings, _TITLES)
        filters = sampled_filters(client, index)
        measured = NeighbourCheck(
            client=client,
            index=index,
            vector_field=passport.vector_field,
            query_vectors=np.stack([embedder.embed_query(query.text) for query in asked]),
            k=k,
        )
        with Progress(transient=True, disable=not console().is_terminal) as progress:
            task = progress.add_task("measuring", total=1 + len(tried) * len(filters))
            results = measured.run(tried, filters, done=lambda: progress.advance(task))
    enough = recommended(results)
    kind = described.vector_options.get("index_options", {}).get("type", "not indexed")
    if as_json:
        facts = {"index_type": kind, "products": described.with_vector, "queries": len(asked)}
        click.echo(_json({**facts, "k": k, "present": present, "recommended": enough}, results))
    else:
        click.echo(
            f"{kind}, {described.with_vector:,} vectors, {len(asked)} "
            f"{'queries' if queries else 'titles'}, k = {k}"
        )
        console().print(_table(results, k, present))
        click.echo(_verdict(results, present))
    if present < enough:
        ctx.exit(_TOO_FEW)


def _table(results: Sequence[NeighbourRecall], k: int, present: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    from es_hybrid.evaluation.neighbours import TOP

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("filter", max_width=40, no_wrap=True, overflow="ellipsis")
    for name in ("passes", "num_candidates", f"recall@{TOP}", f"recall@{k}", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in results:
        table.add_row(
            Text(each.filter_name or "none"),
            f"{each.share:.2%}",
            f"{each.num_candidates:,}",
            f"{each.recall_top:.3f}",
            f"{each.recall:.3f}",
            f"{each.p50_ms:.1f}",
            f"{each.p95_ms:.1f}",
            "present" if each.num_candidates == present else "",
        )
    return table


def _verdict(results: Sequence[NeighbourRecall], present: int) -> str:
    from es_hybrid.evaluation.neighbours import TOLERANCE, TOP, best_recall, recommended

    enough, worst = recommended(results), min(best_recall(results).values())
    lines = [
        f"{enough:,} candidates find as many of the first {TOP} as more do, within {TOLERANCE}; "
        f"the present {present:,} are {'enough' if enough <= present else 'too few'}.",
        f"At most {worst:.3f} of them are found under the worst filter"
        + ("." if worst >= _GOOD else ": compare index types with `es-hybrid index dims`."),
    ]
    if enough > present:
        lines += ["", f"[search]\nnum_candidates = {enough}"]
    return "\n".join(lines)


def _json(facts: Mapping[str, Any], results: Sequence[NeighbourRecall]) -> str:
    import dataclasses
    import json

    rows = [dataclasses.asdict(each) for each in results]
    return json.dumps({**facts, "results": rows}, ensure_ascii=False, indent=2)
