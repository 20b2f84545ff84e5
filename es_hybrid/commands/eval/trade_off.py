"""`es-hybrid eval trade-off`: what signals earn, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, embedding, settings_options
from es_hybrid.commands.eval._options import json_option

if TYPE_CHECKING:
    from es_hybrid.evaluation.trade_off import TradeOff
    from es_hybrid.settings import Settings

_WEIGHTS = "0,0.25,0.5,1,1.5,2,3,5"


def _weights(ctx: click.Context, option: click.Parameter, text: str) -> list[float]:
    """Distinct factors, ascending; 0 is always one of them, since all are compared with it."""
    try:
        weights = {0.0, *map(float, text.split(","))}
    except ValueError:
        raise click.BadParameter(
            "write numbers with commas between them, such as 0,0.5,1"
        ) from None
    if not all(0 <= weight < float("inf") for weight in weights):
        raise click.BadParameter("a weight is a number from 0")
    return sorted(weights)


@click.command("trade-off")
@click.argument("queries", type=click.Path(path_type=Path))
@click.argument("qrels", type=click.Path(path_type=Path))
@click.option(
    "--revenue", "field", required=True, metavar="FIELD",
    help="Number field of a product with what the shop earns by it, such as price or margin.",
)  # fmt: skip
@click.option(
    "--weights", callback=_weights, default=_WEIGHTS, show_default=True, metavar="W,W,...",
    help="Factors of the weights in `search.signals`: 1 is as set, 0 is without signals.",
)  # fmt: skip
@click.option("--signal", metavar="NAME", help="Scale only this signal.  [default: all]")
@click.option(
    "--max-loss", type=click.FloatRange(0, 1), default=0.01, show_default=True,
    help="Loss of nDCG@10 that the chosen weight may cost.",
)  # fmt: skip
@json_option
@click.option(
    "--report", type=click.Path(path_type=Path), help="HTML file with the table and the curve."
)
@settings_options
def trade_off(
    queries: Path,
    qrels: Path,
    *,
    field: str,
    weights: list[float],
    signal: str | None,
    max_loss: float,
    as_json: bool,
    report: Path | None,
    settings: Settings,
) -> None:
    """Show what the signals earn and what they cost: expected revenue@10 against nDCG@10.

    Measures every weight from one recorded search for each query. Chooses a weight on one half of
    the queries and reports the other half. QUERIES is a TSV of id, text and language; QRELS has
    judgements in TREC format.
    """
    import json
    from contextlib import ExitStack, closing
    from dataclasses import asdict

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.commands.eval._tables import trade_off_table
    from es_hybrid.evaluation import trade_off as measuring
    from es_hybrid.evaluation.judgements import read_judged
    from es_hybrid.reranking import open_reranker

    if report is not None:  # before the searches: a missing extra is reported at once
        from es_hybrid.evaluation.report import write_trade_off
    judged, grades = read_judged(queries, qrels)
    options = measuring.TradeOffOptions(field, weights, signal, max_loss)
    with ExitStack() as opened:
        client = opened.enter_context(connected(settings))
        embedder = opened.enter_context(embedding(settings))
        reranker = open_reranker(settings.rerank)
        if reranker is not None:
            opened.enter_context(closing(reranker))
        progress = opened.enter_context(Progress(transient=True, disable=not console().is_terminal))
        task = progress.add_task("queries", total=len(judged))
        found = measuring.trade_off(
            client, settings=settings, embedder=embedder, reranker=reranker, queries=judged,
            qrels=grades, options=options, done=lambda: progress.advance(task),
        )  # fmt: skip
    if report is not None:
        write_trade_off(report, found, title=f"{settings.index.name}: {field} against relevance")
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))
        return
    console().print(trade_off_table(found.held_out), "")
    click.echo(_choice(found, max_loss))


def _choice(found: TradeOff, max_loss: float) -> str:
    from es_hybrid.commands.eval._tables import difference_line
    from es_hybrid.evaluation.trade_off import NDCG_10, REVENUE

    chosen = next(each for each in found.held_out if each.weight == found.chosen)
    lines = [
        f"weight {found.chosen:g} has the most revenue on {found.queries[0]} other queries, for at "
        f"most {max_loss:g} of nDCG@10; on these {found.queries[1]}:",
        *(difference_line(name, chosen.changes[name]) for name in (REVENUE, NDCG_10)),
        "dominated on both: " + (", ".join(f"{each:g}" for each in found.dominated) or "none"),
    ]
    if found.without_value:
        lines.append(f"{found.without_value} relevant products have no value and count as 0")
    return "\n".join(lines)
