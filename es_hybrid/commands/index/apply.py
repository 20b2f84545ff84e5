"""`es-hybrid index apply`: add the vector field and the passport to an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import index_argument

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@index_argument
def apply(settings: Settings) -> None:
    """Do what `index plan` shows: add fields and passport to INDEX, and change no document.

    Refused where the plan has conflicts; applied a second time it does nothing.
    """
    from es_hybrid.commands.index._connected import connected, embedding
    from es_hybrid.index.plan import apply_plan, plan_index

    with connected(settings) as client, embedding(settings) as embedder:
        plan = plan_index(client, settings, embedder)
        apply_plan(client, plan)
    if plan.added or plan.issued:
        done = [*plan.added, *(["the passport"] if plan.issued else [])]
        click.echo(f"{plan.name}: added {', '.join(done)}")
    else:
        click.echo(f"{plan.name}: nothing to add")
    if plan.to_embed:
        click.echo(
            f"{plan.to_embed:,} of {plan.documents:,} documents want a vector: "
            f"es-hybrid ingest backfill {plan.name}"
        )
