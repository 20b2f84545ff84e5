"""`es-hybrid index promote`: let the alias stand for another version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import index_argument

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

CHECKS = ("documents", "coverage", "canaries", "overlap")
SAMPLED = 50


@click.command(epilog="Exit status: 0 promoted, 2 a check failed, and nothing was changed.")
@index_argument
@click.option("--alias", help="What is to stand for INDEX.  [default: its name less -v0007]")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help=f"TSV of id and text for the overlap.  [default: {SAMPLED} titles of the live index]",
)
@click.option(
    "--live-config",
    type=click.Path(path_type=Path),
    help="Settings file of the live index, where that has another model.",
)
@click.option(
    "--force",
    multiple=True,
    type=click.Choice(CHECKS),
    help="Go on though this check fails; may be repeated.",
)
def promote(
    settings: Settings,
    *,
    alias: str | None,
    queries: Path | None,
    live_config: Path | None,
    force: tuple[str, ...],
) -> None:
    """Let the alias stand for INDEX, a version such as products-v0007, in one request.

    Before that its documents, its vectors, its answers and their overlap with the live index's are
    checked. `index rollback` goes back.
    """
    from contextlib import ExitStack

    from es_hybrid.commands._shared import settings_of
    from es_hybrid.commands.index._connected import connected, embedding
    from es_hybrid.errors import IndexStateError
    from es_hybrid.evaluation.judgements import read_queries
    from es_hybrid.evaluation.promotion import Side, check_version, sampled_titles
    from es_hybrid.index.versions import switch
    from es_hybrid.index.versions import alias_of, live_index

    target = settings.index.name
    alias = alias or alias_of(target)
    if alias is None:
        raise click.UsageError(f"{target} is no version's name: say --alias")
    asked = read_queries(queries) if queries else []
    with ExitStack() as stack:
        client = stack.enter_context(connected(settings))
        embedder = stack.enter_context(embedding(settings))
        live = live_index(client, alias)
        if live == target:
            click.echo(f"{alias} stands for {target} already")
            return
        side = None
        if live is not None:
            theirs = settings_of(live_config, url=None, index=None) if live_config else settings
            used = stack.enter_context(embedding(theirs)) if live_config else embedder
            side = Side(live, theirs, used)
            asked = asked or sampled_titles(client, side, SAMPLED)
        failed = []
        for check in check_version(client, Side(target, settings, embedder), side, asked):
            forced = not check.passed and check.name in force
            verdict = "ok" if check.passed else "forced" if forced else "FAILED"
            click.echo(f"{check.name:<10} {verdict:<7} {check.found}; needed: {check.needed}")
            if not check.passed and not forced:
                failed.append(check.name)
        if failed:
            raise IndexStateError(
                f"not promoted: {', '.join(failed)} failed",
                place=f"index {target}",
                remedy="mend it, or override it with "
                + " ".join(f"--force {name}" for name in failed),
            )
        switch(client, alias, target)
    click.echo(f"{alias} stands for {target}" + (f", no longer for {live}" if live else ""))
    if live:
        click.echo("go back with: es-hybrid index rollback --index " + alias)
