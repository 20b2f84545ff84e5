"""`es-hybrid index calibrate`: from where on a search finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, embedding, index_argument

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@index_argument
def calibrate(settings: Settings) -> None:
    """Measure how close products of INDEX are to words that they have nothing to do with.

    A search whose words no product has then finds nothing if no product is closer. The floor is
    stored in the mapping of each index. `index promote` measures it, too.
    """
    from es_hybrid.evaluation.floor import calibrate_index

    with connected(settings) as client, embedding(settings) as embedder:
        for index, floor in calibrate_index(client, settings.index.name, settings, embedder):
            click.echo(
                f"{index}: floor {floor.score:.4f}; above it are {floor.found:.1%} of pairs of "
                f"common words, below it {floor.missed:.1%} of word pairs in titles"
            )
