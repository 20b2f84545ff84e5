"""`es-hybrid synonyms propose`: learn candidates for synonyms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option(
    "--groups",
    type=_file,
    help="File that `align run --groups` wrote.  [default: the field group_id of the index]",
)
@click.option("--clicks", type=_file, help='Clicks, one a line: {"query": "couch", "id": "4711"}.')
@click.option(
    "--write", "target", type=_file, required=True, help="Write the candidates to this file, JSONL."
)
@settings_options
def propose(groups: Path | None, clicks: Path | None, target: Path, settings: Settings) -> None:
    """Learn which words mean the same.

    From the titles of a product in several languages or catalogues, and from words of queries that
    the products clicked do not have. Decide the candidates with `es-hybrid synonyms review`.
    """
    from es_hybrid.commands._shared import connected
    from es_hybrid.synonyms.association import TextPair, associated
    from es_hybrid.synonyms.candidates import write_candidates
    from es_hybrid.synonyms.texts import pairs_of_clicks, pairs_of_groups, pairs_of_index

    pairs: list[TextPair] = []
    if groups is not None:
        pairs += pairs_of_groups(groups)
    if groups is None or clicks is not None:
        with connected(settings) as client:
            if groups is None:
                pairs += pairs_of_index(client, settings)
            if clicks is not None:
                pairs += pairs_of_clicks(clicks, client, settings)
    found = associated(pairs)
    write_candidates(found, target)
    click.echo(f"{len(found):,} candidates from {len(pairs):,} pairs of texts in {target}")
    if not pairs:
        click.echo("no groups: run `es-hybrid align apply` first, or give --groups", err=True)
