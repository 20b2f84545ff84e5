"""`es-hybrid eval interleave`: which ranking of an experiment shoppers prefer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands.eval._judged_files import printing
from es_hybrid.commands.eval._options import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from es_hybrid.evaluation.judging.clicks.counts import ShopperAction
    from es_hybrid.experiments.outcome import ExperimentOutcome


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", help="Name of the experiment.  [default: the only one in the log]")
@click.option(
    "--action",
    type=click.Choice(["click", "cart", "order"]),
    default="click",
    show_default=True,
    help="The weakest action that counts.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.05,
    show_default=True,
    help="Probability of ever naming a better ranking if both are equally good.",
)
@json_option
@click.pass_context
def interleave(
    context: click.Context,
    logs: tuple[Path, ...],
    *,
    name: str | None,
    action: ShopperAction,
    alpha: float,
    as_json: bool,
) -> None:
    """Tell which ranking of an experiment shoppers prefer, from the files LOGS of `serve`.

    Interleaved searches count for the ranking with more clicked hits; with `mode = "ab"`, searches
    with a click count for the ranking that answered them. The test is sequential: look at it daily
    and stop when it names the better ranking. Give it all files of the experiment each time.

    Exits with status 1 if a line cannot be used.
    """
    import json

    from es_hybrid.evaluation.judging.clicks.log import LogNotes, read_log
    from es_hybrid.experiments.outcome import outcomes

    reject, rejected = printing()
    notes = LogNotes()
    found = outcomes(read_log(logs, reject, notes), action=action)
    facts = _facts(_chosen(found, name), alpha)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        _print(facts, alpha)
        if notes.unexplained:
            click.echo(f"ignored: {notes.unexplained:,} events on results not logged as shown")
    if rejected():
        click.echo(f"{rejected():,} lines cannot be used", err=True)
        context.exit(1)


def _chosen(found: Mapping[str, ExperimentOutcome], name: str | None) -> ExperimentOutcome:
    from es_hybrid.errors import EvaluationError

    fitting = [outcome for outcome in found.values() if name in (None, outcome.name)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(sorted(found))
    raise EvaluationError(
        f"it has the experiments {names}" if found else "it has no experiment",
        place="log",
        remedy="choose one with --name" if found else "set experiment.settings for `serve`",
    )


def _facts(outcome: ExperimentOutcome, alpha: float) -> dict[str, Any]:
    total, better = outcome.total, outcome.better(alpha)
    looks = outcome.looks
    return {
        "name": outcome.name,
        "mode": outcome.mode,
        "a": total.a,
        "b": total.b,
        "ties": total.ties,
        "without_action": total.silent,
        "share_of_b": total.b / (total.a + total.b) if total.a + total.b else None,
        "interval": outcome.interval(alpha),
        "share_if_equal": outcome.null,
        "better": better and better[0],
        "since": better and better[1],
        "p_value": min(1.0, *(1 / look.evidence for look in looks)) if looks else 1.0,
        "days": [
            {"day": look.day, "a": look.a, "b": look.b, "evidence": look.evidence} for look in looks
        ],
    }


def _print(facts: Mapping[str, Any], alpha: float) -> None:
    click.echo(
        f"{facts['name']} ({facts['mode']}): {facts['a']:,} searches for A, {facts['b']:,} for B, "
        f"{facts['ties']:,} ties, {facts['without_action']:,} without an action"
    )
    if facts["share_of_b"] is not None:
        low, high = facts["interval"]
        click.echo(
            f"share of B {facts['share_of_b']:.1%} [{low:.1%}, {high:.1%}], "
            f"{facts['share_if_equal']:.1%} if both are equally good"
        )
    for look in facts["days"]:
        click.echo(
            f"  up to {look['day']}: {look['a']:,} for A, {look['b']:,} for B, "
            f"evidence {look['evidence']:.3g} of {1 / alpha:.3g}"
        )
    click.echo(
        f"{facts['better']} is better (since {facts['since']}, p = {facts['p_value']:.3g})"
        if facts["better"]
        else f"not decided (p = {facts['p_value']:.3g}): let it run, or stop and keep A"
    )
