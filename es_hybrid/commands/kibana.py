"""`es-hybrid kibana`: dashboards and data views for Kibana."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._shared import config_option, connected, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from es_hybrid.index.passport import Passport
    from es_hybrid.settings import Settings

_INDEX = click.option("--index", help="Index or alias of the products.  [default: products]")
_PAIRS = click.option(
    "--pairs-index",
    metavar="INDEX",
    default="es-hybrid-pairs",
    show_default=True,
    help="The index that `align run --pairs-index` writes, or a pattern of several.",
)


@click.group()
def kibana() -> None:
    """Install dashboards and data views into Kibana."""


@kibana.command()
@click.argument("file", type=click.File("wb"), default="-")
@config_option
@_INDEX
@_PAIRS
def export(file: Any, config: Path | None, index: str | None, pairs_index: str) -> None:
    """Write them to FILE, for Stack Management > Saved Objects > Import.

    Without FILE, to standard output.
    """
    from es_hybrid.kibana import as_ndjson

    file.write(as_ndjson(_objects(settings_of(config, url=None, index=index), pairs_index)))


@kibana.command()
@click.option("--url", default="http://localhost:5601", show_default=True, help="Kibana's address.")
@click.option("--space", metavar="ID", default="", help="Kibana's space.  [default: default]")
@config_option
@_INDEX
@_PAIRS
def install(url: str, space: str, config: Path | None, index: str | None, pairs_index: str) -> None:
    """Import them into a running Kibana, in place of earlier versions.

    The credentials are those of Elasticsearch, in the settings.
    """
    import contextlib

    from es_hybrid.errors import KibanaError
    from es_hybrid.kibana import Kibana

    settings = settings_of(config, url=None, index=index)
    with contextlib.closing(Kibana(url, settings.elasticsearch)) as server:
        imported = server.import_objects(_objects(settings, pairs_index), space=space)
    for kind, title in imported.objects:
        click.echo(f"installed  {kind:<14} {title}")
    for kind, title, reason in imported.refused:
        click.echo(f"refused    {kind:<14} {title}: {reason}")
    if imported.refused:
        raise KibanaError(
            f"Kibana {imported.version} refused {len(imported.refused)} objects, listed above",
            place=url,
            remedy="correct their cause and install again",
        )


def _objects(settings: Settings, pairs: str) -> list[dict[str, Any]]:
    from es_hybrid.kibana import Names, saved_objects

    return saved_objects(Names.of(settings, pairs=pairs, passport=_passport(settings)))


def _passport(settings: Settings) -> Passport | None:
    """The index's passport, which names a shop's own fields; None if it cannot be read."""
    from es_hybrid.errors import EsHybridError
    from es_hybrid.index.lifecycle import open_index

    try:
        with connected(settings) as client:
            return open_index(client, settings.index.name, vector_field=settings.index.vector_field)
    except EsHybridError as error:
        click.echo(
            f"note: fields are named as in es-hybrid's own mapping, because {error}", err=True
        )
        return None
