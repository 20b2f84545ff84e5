"""`es-hybrid index learn`: the words that searches correct misspelt queries by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, index_argument

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@index_argument
def learn(settings: Settings) -> None:
    """Read the words of INDEX, by which searches correct misspelt queries.

    Loads, backfills and `index promote` do this themselves. Run it after other programs have added
    products.
    """
    from es_hybrid.understanding.store import learn_vocabularies

    field = settings.index.vector_field
    with connected(settings) as client:
        found = learn_vocabularies(client, settings.index.name, vector_field=field)
    for index, vocabulary in found.items():
        words, products = len(vocabulary.counts), vocabulary.documents
        click.echo(f"{index}: {words:,} words of {products:,} products")
