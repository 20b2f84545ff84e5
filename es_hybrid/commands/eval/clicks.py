"""`es-hybrid eval clicks`: judgements from a log of clicks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands.eval._judged_files import judged_files_options, print_tally, printing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.evaluation.judging.clicks.counts import ClickCounts
    from es_hybrid.evaluation.judging.clicks.log import LogNotes
    from es_hybrid.evaluation.judging.clicks.models import ClickRelevance
    from es_hybrid.evaluation.judging.formats.rated import RatedPair

# Share of the impressions of pairs that moved, below which the position-based model is doubtful.
_MOVED = 0.1
_RANKS_SHOWN = 10


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Choice(["pbm", "coec"]),
    default="pbm",
    show_default=True,
    help="The position-based model, or clicks over expected clicks.",
)
@click.option(
    "--smoothing",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Average clicks to add to those of each product of a query.",
)
@click.option(
    "--min-impressions",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="Leave a product unjudged that was shown less often for a query.",
)
@click.option(
    "--cart-weight",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="What a cart counts in addition to its click; 0: nothing.",
)
@click.option(
    "--order-weight",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0),
    help="What an order counts in addition to its cart; 0: nothing.",
)
@click.option(
    "--grades",
    default="0.5=1,1=2,2=3",
    show_default=True,
    help="Grades from a relevance on; 1 is a product as attractive as the average.",
)
@judged_files_options
@click.pass_context
def clicks(
    context: click.Context,
    logs: tuple[Path, ...],
    model: str,
    smoothing: float,
    min_impressions: int,
    cart_weight: float,
    order_weight: float,
    grades: str,
    queries: Path,
    qrels: Path,
) -> None:
    """Derive judgements from LOGS of what shoppers saw, clicked, put into the cart and ordered.

    LOGS are JSONL in the plain form, {"query": "kettle", "shown": ["1", "2"], "clicked": ["2"],
    "carted": [], "ordered": []}, or UBI's queries and events.

    coec assumes that the average result is equally relevant at every rank: it is too strict at the
    top if the ranking is good. pbm assumes that a click depends on the rank and on the product
    alone, and needs products that were shown at several ranks. Both assume that a cart or an order
    after a click does not depend on the rank, that all shoppers of a query want the same, and that
    the clicks are people's: remove those of crawlers first. Products never shown stay unjudged.
    """
    from es_hybrid.evaluation.judging.clicks.counts import count
    from es_hybrid.evaluation.judging.clicks.log import LogNotes, read_log
    from es_hybrid.evaluation.judging.clicks.models import coec, position_based, with_conversion
    from es_hybrid.evaluation.judging.grades import parse_grades
    from es_hybrid.evaluation.judging.importing import import_judgements

    mapping = parse_grades(grades)
    reject, rejected = printing()
    notes = LogNotes()
    counts = count(read_log(logs, reject, notes))
    fitted = (coec if model == "coec" else position_based)(counts, smoothing=smoothing)
    relevance = with_conversion(
        fitted.relevance, counts, cart_weight=cart_weight, order_weight=order_weight
    )
    pairs = _rated(counts, relevance, min_impressions)
    tally = import_judgements(pairs, mapping, queries=queries, qrels=qrels, reject=reject)
    _print_facts(counts, fitted, notes, model)
    click.echo(f"grades: {mapping}")
    print_tally(tally, qrels)
    left_out = len(counts.pairs) - tally.grades.total()
    click.echo(f"{left_out:,} shown fewer than {min_impressions:,} times: unjudged")
    if rejected():
        click.echo(f"{rejected():,} lines cannot be used", err=True)
        context.exit(1)


def _rated(
    counts: ClickCounts, relevance: NDArray[np.float64], min_impressions: int
) -> Iterator[RatedPair]:
    from es_hybrid.evaluation.judging.formats.rated import RatedPair

    shown = counts.shown_of_pair
    for number, (query, document) in enumerate(counts.pairs):
        if shown[number] >= min_impressions:
            rating = repr(float(relevance[number]))
            yield RatedPair(query=query, id=document, rating=rating, place=f"{query}: {document}")


def _print_facts(counts: ClickCounts, fitted: ClickRelevance, notes: LogNotes, model: str) -> None:
    click.echo(
        f"{counts.searches:,} searches, {counts.shown.sum():,.0f} impressions, "
        f"{counts.clicked.sum():,.0f} clicks, {counts.carted.sum():,.0f} carts, "
        f"{counts.ordered.sum():,.0f} orders"
    )
    by_rank = zip(counts.ranks, fitted.examination, strict=True)
    shown = ", ".join(f"{rank}: {value:.3f}" for rank, value in list(by_rank)[:_RANKS_SHOWN])
    name = "click rate" if model == "coec" else f"examination ({fitted.iterations} iterations)"
    click.echo(f"{name} by rank: {shown}")
    for action, number in notes.ignored.most_common():
        click.echo(f"ignored: {number:,} events {action}")
    if notes.unexplained:
        click.echo(f"ignored: {notes.unexplained:,} events on results not logged as shown")
    if model == "pbm" and counts.moved < _MOVED:
        click.echo(
            f"only {counts.moved:.0%} of the impressions are of products shown at several ranks: "
            "the model cannot tell a good rank from a good product; use coec, or vary the ranking",
            err=True,
        )
