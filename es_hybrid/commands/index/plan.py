"""`es-hybrid index plan`: what adding vectors to an index would change and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import index_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from es_hybrid.index.cost import VectorCost
    from es_hybrid.index.plan import IndexPlan
    from es_hybrid.settings import Settings

_CONFLICTS = 1


@click.command(epilog="Exit status: 0 it can be applied, 1 it has conflicts, 2 could not look.")
@index_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plan(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Show what adding vectors to INDEX would change and cost. Changes nothing.

    INDEX is the shop's own, of any mapping; ingest.fields says which of its fields are a product's.
    """
    import dataclasses
    import json

    from es_hybrid.commands.index._connected import connected, embedding
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


def _facts(plan: IndexPlan) -> Iterator[tuple[str, str]]:
    """Name and text of each line; the name is empty on further lines of the same kind."""
    passport, cost = plan.passport, plan.cost
    yield "index", f"{plan.name}: {plan.documents:,} documents, {_size(plan.size_bytes)}"
    added = [f"{name}: {_field(field)}" for name, field in plan.added.items()]
    if plan.issued:
        kept = f"; {', '.join(plan.kept)} stays in _meta" if plan.kept else ""
        added.append(f"_meta: the passport of {passport.model}{kept}")
    yield from _lines("adds", added or ["nothing, all is there"])
    if passport.shop is not None:
        fields = dict(passport.shop.fields)
        used = [name for name in passport.text_template if name in fields]
        others = [name for name in fields if name not in used]
        yield "text", _taken(used, fields) or "none"
        yield "also", _taken(others, fields) or "no other field of a product's is known"
        groups = passport.shop.word_groups(list(fields))
        yield from _lines("words in", [", ".join(group) for group in groups] or ["none"])
    if plan.sampled:
        yield (
            "sample",
            (
                f"{plan.sampled} documents: {plan.without_title} without a title, "
                f"{plan.stale} with a vector of an older text"
            ),
        )
    yield "vectors", f"{plan.with_vector:,} of {plan.documents:,} documents have one"
    time = "" if plan.seconds is None else f", some {_duration(plan.seconds)} at this one's rate"
    yield "to embed", f"{plan.to_embed:,} texts in {plan.requests:,} requests{time}"
    yield "cost", _cost(cost)
    yield from _lines("conflicts", plan.conflicts or ["none: `es-hybrid index apply` does it"])


def _cost(cost: VectorCost) -> str:
    parts = {"vectors": cost.raw, "quantised": cost.quantised, "graph": cost.graph}
    of_what = ", ".join(f"{name} {_size(count)}" for name, count in parts.items() if count)
    memory = "little memory" if cost.memory is None else f"{_size(cost.memory)} of page cache"
    return f"{_size(cost.disk)} on disk ({of_what}) and {memory}, for each copy"


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


def _taken(names: list[str], fields: dict[str, str]) -> str:
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
