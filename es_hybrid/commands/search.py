"""`es-hybrid search`: ask an index in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.retrieval.request import Mode
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
    help="brand=Nike or price<=50; may be repeated, the same field with = again means either.",
)
@click.option("--facet", "facets", multiple=True, metavar="FIELD", help="Count the values of it.")
@click.option("--size", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(
    query: str,
    settings: Settings,
    mode: Mode,
    filters: tuple[str, ...],
    facets: tuple[str, ...],
    size: int,
    page: int,
    as_json: bool,
) -> None:
    """Search the index for QUERY, in any language."""
    from es_hybrid.commands._output import print_response, response_json
    from es_hybrid.retrieval.filters import parse_filters
    from es_hybrid.search import HybridSearch

    asked = parse_filters(filters)
    with HybridSearch.open(settings) as shop:
        response = shop.search(query, mode=mode, filters=asked, facets=facets, page=page, size=size)
    if as_json:
        click.echo(response_json(response))
    else:
        print_response(response)
