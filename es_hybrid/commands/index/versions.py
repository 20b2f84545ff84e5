"""`es-hybrid index create, list, promote, rollback, prune`: versions behind an alias."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import (
    connected,
    embedding,
    index_argument,
    settings_of,
    settings_options,
)

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from es_hybrid.embedding import Embedder
    from es_hybrid.index.versions import Version
    from es_hybrid.settings import Settings

_CHECKS = ("documents", "coverage", "canaries", "overlap")
_TITLES = 50


@click.command()
@settings_options
def create(settings: Settings) -> None:
    """Create the next version of the configured index.

    The first version is products-v0001, and the alias products points to it. Load a later version
    under its own name, then promote it. A name that ends in -v and four digits is created as
    given.
    """
    from es_hybrid.index.versions import create_version, live_index

    alias = settings.index.name
    with connected(settings) as client, embedding(settings) as embedder:
        name, passport = create_version(client, settings, embedder)
        live = None if name == alias else live_index(client, alias)
    click.echo(
        f"created {name}: {passport.dims} dims of {passport.model}, "
        f"{passport.similarity}, {settings.index.vector_type}"
    )
    if live == name:
        click.echo(f"{alias} points to it")
    elif live:
        click.echo(f"{alias} still points to {live}. Next:")
        click.echo(f"  es-hybrid ingest load --index {name} FILE")
        click.echo(f"  es-hybrid index promote {name}")


@click.command("list")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(settings: Settings, as_json: bool) -> None:
    """List the versions of an index: documents, vectors, size, and which one is live."""
    import dataclasses

    from es_hybrid.commands._output import console
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
    for name in ("index", "", "documents", "with vector", "size", "model", "created"):
        right = name in ("documents", "with vector", "size")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for version in versions:
        table.add_row(*_cells(version))
    console().print(table)


@click.command(epilog="Exit status: 0 promoted; 2 a check failed and nothing changed.")
@index_argument
@click.option("--alias", help="Alias to point to INDEX.  [default: INDEX without -v0007]")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help="TSV of id and text, for the overlap check.  "
    f"[default: {_TITLES} titles of the live index]",
)
@click.option(
    "--live-config",
    type=click.Path(path_type=Path),
    help="Settings file of the live index, if it uses another model.",
)
@click.option(
    "--force",
    multiple=True,
    type=click.Choice(_CHECKS),
    help="Promote even if this check fails; repeatable.",
)
def promote(
    settings: Settings,
    *,
    alias: str | None,
    queries: Path | None,
    live_config: Path | None,
    force: tuple[str, ...],
) -> None:
    """Point the alias to INDEX, a version such as products-v0007, in one request.

    First checks the number of documents, the share with a vector, the answers to test queries, and
    the overlap of its hits with those of the live index. Then measures its floor, as `index
    calibrate` does; without one it is promoted all the same. Undo it with `index rollback`.
    """
    from contextlib import ExitStack

    from es_hybrid.errors import IndexStateError
    from es_hybrid.evaluation.judgements import read_queries
    from es_hybrid.evaluation.promotion import SearchedIndex, check_version, sampled_titles
    from es_hybrid.index.versions import alias_of, live_index, switch

    target = settings.index.name
    alias = alias or alias_of(target)
    if alias is None:
        raise click.UsageError(f"{target} is not the name of a version: give --alias")
    asked = read_queries(queries) if queries else []
    with ExitStack() as stack:
        client = stack.enter_context(connected(settings))
        embedder = stack.enter_context(embedding(settings))
        live = live_index(client, alias)
        if live == target:
            click.echo(f"{alias} already points to {target}")
            return
        current = None
        if live is not None:
            theirs = settings_of(live_config, url=None, index=None) if live_config else settings
            used = stack.enter_context(embedding(theirs)) if live_config else embedder
            current = SearchedIndex(live, theirs, used)
            asked = asked or sampled_titles(client, theirs.with_(index={"name": live}), _TITLES)
        failed = []
        promoted = SearchedIndex(target, settings, embedder)
        for check in check_version(client, promoted, current, asked):
            forced = not check.passed and check.name in force
            verdict = "ok" if check.passed else "forced" if forced else "FAILED"
            click.echo(f"{check.name:<10} {verdict:<7} {check.found}; required: {check.required}")
            if not check.passed and not forced:
                failed.append(check.name)
        if failed:
            raise IndexStateError(
                f"not promoted: {', '.join(failed)} failed",
                place=f"index {target}",
                remedy="fix it, or override it with "
                + " ".join(f"--force {name}" for name in failed),
            )
        _calibrate(client, settings, embedder)
        switch(client, alias, target)
    click.echo(f"{alias} points to {target}" + (f", no longer to {live}" if live else ""))
    if live:
        click.echo(f"to undo: es-hybrid index rollback --index {alias}")


def _calibrate(client: Elasticsearch, settings: Settings, embedder: Embedder) -> None:
    """Measure the floor; without one, every search finds something."""
    from es_hybrid.errors import EsHybridError
    from es_hybrid.evaluation.floor import calibrate_index

    try:
        for _, floor in calibrate_index(client, settings.index.name, settings, embedder):
            click.echo(f"{'floor':<10} {'ok':<7} {floor.score:.4f}")
    except EsHybridError as error:
        click.echo(f"{'floor':<10} {'none':<7} {error}")


@click.command("rollback")
@settings_options
def rollback_(settings: Settings) -> None:
    """Point the alias back to its former index, in one request. A second rollback undoes it."""
    from es_hybrid.index.versions import rollback

    with connected(settings) as client:
        left, back = rollback(client, settings.index.name)
    click.echo(f"{settings.index.name} points to {back} again, no longer to {left}")


@click.command()
@settings_options
@click.option(
    "--keep",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Number of newest versions to keep.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def prune(settings: Settings, keep: int, yes: bool) -> None:
    """Delete old versions.

    Never deletes the live version, the one that `rollback` restores, versions with another alias,
    and versions newer than the live one.
    """
    from es_hybrid.index.versions import list_versions, superfluous
    from es_hybrid.understanding.store import forget_vocabulary

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
            forget_vocabulary(client, version.name)
            click.echo(f"deleted {version.name}")


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
