"""`es-hybrid search`: ask an index in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.argument("query")
@settings_options
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "bm25", "knn"]),
    default="hybrid",
    show_default=True,
    help="Which legs to ask.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="EXPRESSION",
    help="brand=Nike, brand!=Nike, price<=50 or date>=2024-01-31; may be repeated, the same field "
    "with = again means either.",
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="FIELD[:BOUNDS]",
    help="Count its values, or what lies between numbers: price:50,100.",
)
@click.option(
    "--sort",
    multiple=True,
    metavar="FIELD[:desc]",
    help="Order the best hits by price or date; may be repeated.",
)
@click.option(
    "--cutoff",
    type=click.FloatRange(0, 1),
    help="Drop hits with less than this share of the best fused score.",
)
@click.option("--collapse", metavar="FIELD", help="Show the best hit for each value of it.")
@click.option("--pin", "pinned", multiple=True, metavar="ID", help="Show this product first.")
@click.option(
    "--highlight", multiple=True, metavar="FIELD", help="Show where the words stand in it."
)
@click.option("--explain", is_flag=True, help="Show how each score came about.")
@click.option("--no-rerank", "rerank", flag_value=False, default=True, help="Keep the fused order.")
@click.option(
    "--timeout",
    "timeout_ms",
    type=click.IntRange(0),
    metavar="MS",
    help="For the whole search; 0: as long as it takes.  [default: search.timeout_ms]",
)
@click.option("--size", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(
    query: str, settings: Settings, *, filters: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Search the index for QUERY, in any language."""
    from es_hybrid.commands._output import print_response, response_json
    from es_hybrid.retrieval.compile.filters import parse_filters
    from es_hybrid.search import HybridSearch

    asked = parse_filters(filters)
    with HybridSearch.open(settings) as shop:
        # The other options are named as those of `SearchRequest`.
        response = shop.search(query, filters=asked, **options)
    if as_json:
        click.echo(response_json(response))
    else:
        print_response(response)
