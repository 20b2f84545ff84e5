"""`es-hybrid search`: search an index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._shared import context_option, settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


def _signals(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> list[Any] | None:
    """What was given, read as JSON; None, those of the settings, if nothing was."""
    try:
        return [json.loads(each) for each in given] or None
    except ValueError as error:
        raise click.BadParameter(
            f'{error}; write it as {{"field": "margin", "weight": 0.1}}', context, parameter
        ) from None


@click.command()
@click.argument("query")
@settings_options
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "bm25", "knn"]),
    default="hybrid",
    show_default=True,
    help="Legs to run.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="EXPRESSION",
    help="brand=Nike, brand!=Nike, price<=50 or date>=2024-01-31. Repeatable; a field repeated "
    "with = means any of the values.",
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="FIELD[:BOUNDS]",
    help="Count the values of a field, or ranges of numbers: price:50,100. Repeatable.",
)
@click.option(
    "--sort",
    multiple=True,
    metavar="FIELD[:desc]",
    help="Sort the best hits by price or date. Repeatable.",
)
@click.option(
    "--cutoff",
    type=click.FloatRange(0, 1),
    help="Drop hits below this share of the best fused score.",
)
@click.option(
    "--collapse", metavar="FIELD", help="Show only the best hit for each value of a field."
)
@click.option(
    "--facets-by",
    type=click.Choice(["product", "group"]),
    default="product",
    show_default=True,
    help="What facets count if hits are grouped.",
)
@click.option(
    "--display-lang",
    metavar="LANG,LANG",
    default="",
    callback=lambda _context, _option, value: [each for each in value.split(",") if each],
    help="Show aligned products once, in the first of these languages that they have: zh,en.",
)
@click.option(
    "--pin", "pinned", multiple=True, metavar="ID", help="Show this product first. Repeatable."
)
@click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="JSON",
    callback=_signals,
    help='Count this in the order: {"field": "margin", "weight": 0.1}. Repeatable.  [default: '
    "search.signals]",
)
@click.option(
    "--highlight",
    multiple=True,
    metavar="FIELD",
    help="Mark the matching words in this field. Repeatable.",
)
@click.option(
    "--limit-per",
    multiple=True,
    metavar="FIELD=N",
    help="Show at most N hits of each value of FIELD on a page. Repeatable.  [default: "
    "search.limit_per]",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    help="How much hits should differ from those above them.  [default: search.diversity]",
)
@click.option("--explain", is_flag=True, help="Explain each score.")
@click.option("--no-rerank", "rerank", flag_value=False, default=True, help="Keep the fused order.")
@click.option(
    "--no-correct",
    "correct",
    flag_value=False,
    default=True,
    help="Search misspelt words as they are.",
)
@click.option(
    "--no-conditions",
    "conditions",
    flag_value=False,
    default=True,
    help="Search prices, exclusions, brands, sizes and the like in QUERY as plain words.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PHRASE",
    help="Search this as plain words, as in `understood: PHRASE` and `synonyms: PHRASE = ...`. "
    "Repeatable.",
)
@click.option(
    "--no-floor",
    "floor",
    flag_value=False,
    default=True,
    help="Show the nearest products as found, however distant they are.",
)
@context_option
@click.option(
    "--no-rules",
    "rules",
    flag_value=False,
    default=True,
    help="Search without the merchandising rules.",
)
@click.option(
    "--timeout",
    "timeout_ms",
    type=click.IntRange(0),
    metavar="MS",
    help="Milliseconds for the whole search; 0: no limit.  [default: search.timeout_ms]",
)
@click.option("--size", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(
    query: str,
    settings: Settings,
    *,
    filters: tuple[str, ...],
    context: tuple[str, ...],
    limit_per: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Search the index for QUERY, in any language."""
    from es_hybrid.commands._output import as_indented_json, print_response
    from es_hybrid.commands._shared import parse_context
    from es_hybrid.filters import parse_filters
    from es_hybrid.search import HybridSearch

    asked, facts = parse_filters(filters), parse_context(context)
    limits = dict(map(_limit, limit_per)) if limit_per else None
    with HybridSearch.open(settings) as shop:
        # The other options have the names of `SearchRequest` fields.
        response = shop.search(query, filters=asked, context=facts, limit_per=limits, **options)
    if as_json:
        click.echo(as_indented_json(response))
    else:
        print_response(response)


def _limit(expression: str) -> tuple[str, int]:
    """`brand=3`."""
    field, _, most = expression.partition("=")
    if not (field.strip() and most.strip().isdecimal()):
        raise click.BadParameter(f"{expression!r} is not FIELD=N", param_hint="--limit-per")
    return field.strip(), int(most)
