"""`es-hybrid index rollback`: back to the version before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command("rollback")
@settings_options
def rollback_(settings: Settings) -> None:
    """Let the alias stand for what it stood for before, in one request. Twice undoes itself."""
    from es_hybrid.commands.index._connected import connected
    from es_hybrid.index.versions import rollback

    with connected(settings) as client:
        left, back = rollback(client, settings.index.name)
    click.echo(f"{settings.index.name} stands for {back} again, no longer for {left}")
