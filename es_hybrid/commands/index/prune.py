"""`es-hybrid index prune`: delete versions that nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@settings_options
@click.option(
    "--keep", type=click.IntRange(1), default=2, show_default=True, help="The newest that stay."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(settings: Settings, keep: int, yes: bool) -> None:
    """Delete old versions.

    Never the live one, the one that `rollback` goes back to, one with another alias, or one newer
    than the live one.
    """
    from es_hybrid.commands.index._connected import connected
    from es_hybrid.index.versions import list_versions, superfluous

    with connected(settings) as client:
        unneeded = superfluous(list_versions(client, settings.index.name), keep)
        if not unneeded:
            click.echo("nothing to delete")
            return
        for version in unneeded:
            click.echo(f"{version.name}: {version.documents:,} documents")
        if not yes:
            click.confirm(f"delete {len(unneeded)}?", abort=True)
        for version in unneeded:
            client.indices.delete(index=version.name)
            click.echo(f"deleted {version.name}")
