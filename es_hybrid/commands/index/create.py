"""`es-hybrid index create`: make the next version of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@settings_options
def create(settings: Settings) -> None:
    """Make the next version of the index that the settings describe.

    The first is products-v0001, which the alias products stands for from the start. A later one is
    loaded by its own name and then promoted. A name that ends in -v and four digits is made as
    it stands.
    """
    from es_hybrid.commands.index._connected import connected, embedding
    from es_hybrid.index.versions import create_version, live_index

    alias = settings.index.name
    with connected(settings) as client, embedding(settings) as embedder:
        name, passport = create_version(client, settings, embedder)
        live = None if name == alias else live_index(client, alias)
    click.echo(
        f"made {name}: {passport.dims} dims of {passport.model}, "
        f"{passport.similarity}, {settings.index.vector_type}"
    )
    if live == name:
        click.echo(f"{alias} stands for it")
    elif live:
        click.echo(f"{alias} still stands for {live}. Go on with:")
        click.echo(f"  es-hybrid ingest load --index {name} FILE")
        click.echo(f"  es-hybrid index promote {name}")
