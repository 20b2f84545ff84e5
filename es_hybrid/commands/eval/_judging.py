"""Options and output of the commands that judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from es_hybrid.evaluation.judging.agreement import PairAgreement
    from es_hybrid.evaluation.judging.store import Judged

_file = click.Path(path_type=Path, dir_okay=False)

pool_option = click.option(
    "--pool", type=_file, help="File that `eval sample` wrote.  [default: judge.pool]"
)
judgements_option = click.option(
    "--judgements", type=_file, help="File of people's judgements.  [default: judge.judgements]"
)


def print_agreement(judged: Judged) -> None:
    """Print kappa of every two judges, and alpha if there are people enough."""
    from es_hybrid.evaluation.judging.agreement import agreements, krippendorff_alpha
    from es_hybrid.evaluation.judging.store import grades_of

    print_pairs(agreements(judged))
    alpha = krippendorff_alpha(grades_of(by_judge, llm=False) for by_judge in judged.values())
    if alpha is not None:
        click.echo(f"Krippendorff's alpha of all people, ordinal: {alpha:.3f}")


def print_pairs(found: Sequence[PairAgreement]) -> None:
    """Print one line for every two judges."""
    for each in found:
        click.echo(
            f"{each.first} and {each.second}: kappa {_figure(each.kappa)}, with quadratic weights "
            f"{_figure(each.weighted)}, {each.same:.0%} the same, {each.pairs:,} pairs"
        )


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
