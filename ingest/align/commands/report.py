"""`es-hybrid align report`: summarize an alignment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.align.commands._options import align_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@click.option(
    "--html",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a self-contained HTML page to this file instead of text.",
)
@align_options
def report(target: Path | None, settings: Settings) -> None:
    """Show pairs by decision, rule and category, groups by size, the queue, and decisions."""
    from es_hybrid.align.decisions import ReviewStore
    from es_hybrid.align.journal import Journal
    from es_hybrid.align.store import writing
    from es_hybrid.align.summary import as_html, as_text, overview

    store = ReviewStore(settings.align.store)
    found = overview(Journal(settings.align.store), store)
    if target is None:
        click.echo(as_text(found))
        return
    with writing(target):
        target.touch(mode=0o600)
        target.write_text(as_html(found), encoding="utf-8")
    click.echo(f"report in {target}")
