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
llm_option = click.option(
    "--with-llm", is_flag=True, help="Also use the judgements that only an LLM made."
)


def note_llm(qrels: Path, with_llm: bool) -> None:
    """Say on standard error that judgements of an LLM are used, or left out."""
    from es_hybrid.evaluation.judgements import count_llm

    count = count_llm(qrels)
    if count and with_llm:
        click.echo(f"these figures use {count:,} judgements by an LLM", err=True)
    elif count:
        click.echo(f"left out {count:,} judgements by an LLM; --with-llm uses them", err=True)


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
