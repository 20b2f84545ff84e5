"""`es-hybrid index plan, apply`: add vectors to an existing index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import connected, embedding, index_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from es_hybrid.index.cost import VectorCost
    from es_hybrid.index.plan import IndexPlan
    from es_hybrid.settings import Settings

_CONFLICTS = 1


@click.command(
    epilog="Exit status: 0 can be applied; 1 conflicts; 2 the index could not be inspected."
)
@index_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plan(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Show what adding vectors to INDEX would change and cost, without changing it.

    INDEX may have any mapping; ingest.fields maps product fields to its fields.
    """
    import dataclasses
    import json

    from es_hybrid.index.plan import plan_index

    with connected(settings) as client, embedding(settings) as embedder:
        planned = plan_index(client, settings, embedder)
    if as_json:
        figures = {
            "to_embed": planned.to_embed,
            "requests": planned.requests,
            "seconds": planned.seconds,
        }
        body = dataclasses.asdict(planned) | figures
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        for name, fact in _facts(planned):
            click.echo(f"{name:<11}{fact}")
    if planned.conflicts:
        ctx.exit(_CONFLICTS)


@click.command()
@index_argument
def apply(settings: Settings) -> None:
    """Apply `index plan`: add the fields and the passport to INDEX. Changes no document.

    Fails if the plan has conflicts. Applying it again changes nothing.
    """
    from es_hybrid.index.plan import apply_plan, plan_index

    with connected(settings) as client, embedding(settings) as embedder:
        planned = plan_index(client, settings, embedder)
        apply_plan(client, planned)
    if planned.added or planned.issued:
        done = [*planned.added, *(["the passport"] if planned.issued else [])]
        click.echo(f"{planned.name}: added {', '.join(done)}")
    else:
        click.echo(f"{planned.name}: nothing to add")
    if planned.to_embed:
        click.echo(
            f"{planned.to_embed:,} of {planned.documents:,} documents need a vector: "
            f"es-hybrid ingest backfill {planned.name}"
        )


def _facts(plan: IndexPlan) -> Iterator[tuple[str, str]]:
    """(name, text) of each line; the name is empty on continuation lines."""
    passport, cost = plan.passport, plan.cost
    yield "index", f"{plan.name}: {plan.documents:,} documents, {_size(plan.size_bytes)}"
    added = [f"{name}: {_field(field)}" for name, field in plan.added.items()]
    if plan.issued:
        kept = f"; keeps {', '.join(plan.kept)}" if plan.kept else ""
        added.append(f"_meta: passport of {passport.model}{kept}")
    yield from _lines("adds", added or ["nothing, everything exists"])
    if passport.shop is not None:
        fields = dict(passport.shop.fields)
        used = [name for name in passport.text_template if name in fields]
        others = [name for name in fields if name not in used]
        yield "text", _mapped(used, fields) or "none"
        yield "also", _mapped(others, fields) or "no other product field"
        groups = passport.shop.word_groups(list(fields))
        yield from _lines("searched", [", ".join(group) for group in groups] or ["none"])
    if plan.sampled:
        yield (
            "sample",
            (
                f"{plan.sampled} documents: {plan.without_title} without a title, "
                f"{plan.stale} with a stale vector"
            ),
        )
    yield "vectors", f"{plan.with_vector:,} of {plan.documents:,} documents have a vector"
    time = "" if plan.seconds is None else f", about {_duration(plan.seconds)} at the measured rate"
    yield "to embed", f"{plan.to_embed:,} texts in {plan.requests:,} requests{time}"
    yield "cost", _cost(cost)
    yield from _lines("conflicts", plan.conflicts or ["none: run `es-hybrid index apply`"])


def _cost(cost: VectorCost) -> str:
    parts = {"vectors": cost.raw, "quantised": cost.quantised, "graph": cost.graph}
    of_what = ", ".join(f"{name} {_size(count)}" for name, count in parts.items() if count)
    memory = "little memory" if cost.memory is None else f"{_size(cost.memory)} of page cache"
    return f"{_size(cost.disk)} on disk ({of_what}) and {memory}, per copy"


def _lines(name: str, texts: list[str] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for place, text in enumerate(texts):
        yield ("" if place else name), text


def _field(mapping: object) -> str:
    assert isinstance(mapping, dict)
    if mapping["type"] != "dense_vector":
        return f"{mapping['type']}, not indexed"
    return f"dense_vector, {mapping['dims']} dims, {mapping['similarity']}, " + str(
        mapping["index_options"]["type"]
    )


def _mapped(names: list[str], fields: dict[str, str]) -> str:
    return ", ".join(f"{name} <- {fields[name]}" for name in names)


def _size(count: int) -> str:
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= bytes_:
            return f"{count / bytes_:,.1f} {unit}"
    return f"{count} bytes"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
