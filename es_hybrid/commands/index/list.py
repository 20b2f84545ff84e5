"""`es-hybrid index list`: the versions of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.index.versions import Version
    from es_hybrid.settings import Settings


@click.command("list")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(settings: Settings, as_json: bool) -> None:
    """Show the versions of an index: documents, vectors, size, and which one is live."""
    import dataclasses

    from es_hybrid.commands._output import console
    from es_hybrid.commands.index._connected import connected
    from es_hybrid.index.versions import list_versions

    with connected(settings) as client:
        versions = list_versions(client, settings.index.name)
    if as_json:
        import orjson

        body = [dataclasses.asdict(version) for version in versions]
        click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("index", "", "documents", "with vector", "size", "model", "made"):
        right = name in ("documents", "with vector", "size")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for version in versions:
        table.add_row(*_cells(version))
    console().print(table)


def _cells(version: Version) -> list[str]:
    return [
        version.name,
        "live" if version.live else "former" if version.former else "",
        f"{version.documents:,}",
        f"{version.coverage:.1%}" if version.documents else "-",
        f"{version.size_bytes / 2**20:,.1f} MiB",
        version.model,
        f"{version.created:%Y-%m-%d %H:%M} UTC",
    ]
