"""`es-hybrid similar`: products like some others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@settings_options
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="EXPRESSION",
    help="As in `es-hybrid search`: lang=en, price<=50. Repeatable.",
)
@click.option(
    "--collapse",
    metavar="FIELD",
    help="Field whose value variants share.  [default: group_id, if the index has it]",
)
@click.option("--size", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def similar(
    ids: tuple[str, ...],
    settings: Settings,
    *,
    filters: tuple[str, ...],
    collapse: str | None,
    size: int,
    as_json: bool,
) -> None:
    """Show products like those of the given IDs, one of each group."""
    from es_hybrid.commands._output import as_indented_json, print_similar
    from es_hybrid.filters import parse_filters
    from es_hybrid.search import HybridSearch

    asked = parse_filters(filters)
    # The reranker has nothing to do here and takes a second to load.
    with HybridSearch.open(settings.with_(rerank={"enabled": False})) as shop:
        found = shop.similar(ids, filters=asked, collapse=collapse, size=size)
    if as_json:
        click.echo(as_indented_json(found))
    else:
        print_similar(found)
