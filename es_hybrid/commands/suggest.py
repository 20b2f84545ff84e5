"""`es-hybrid suggest`: complete the beginning of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.argument("prefix")
@settings_options
@click.option("--size", type=click.IntRange(1, 20), default=8, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def suggest(prefix: str, settings: Settings, *, size: int, as_json: bool) -> None:
    """Suggest brands, categories and products for PREFIX, the beginning of a query."""
    from es_hybrid.commands._output import as_indented_json, print_suggestions
    from es_hybrid.search import HybridSearch

    # The reranker has nothing to do here and takes a second to load.
    with HybridSearch.open(settings.with_(rerank={"enabled": False})) as shop:
        found = shop.suggest(prefix, size=size)
    if as_json:
        click.echo(as_indented_json({"suggestions": found}))
    else:
        print_suggestions(found)
