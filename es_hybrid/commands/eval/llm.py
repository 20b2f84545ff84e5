"""`es-hybrid eval llm`: an LLM as a judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.eval._judging import judgements_option, pool_option, print_pairs

if TYPE_CHECKING:
    from es_hybrid.settings import Settings


@click.command()
@pool_option
@judgements_option
@click.option(
    "--llm-judgements",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append the LLM's judgements to this file.  [default: judge.llm_judgements]",
)
@click.option("--only-agreement", is_flag=True, help="Judge only what people judged, and stop.")
@settings_options
def llm(
    pool: Path | None,
    judgements: Path | None,
    llm_judgements: Path | None,
    only_agreement: bool,
    settings: Settings,
) -> None:
    """Let an LLM judge the results that `eval sample` proposed.

    It first judges those that people judged, and its agreement with them is printed before it
    judges others: below a kappa of 0.4 its judgements are hardly of use. They go to a file of their
    own. `es-hybrid eval import judgements PEOPLE LLM` marks them in the qrels, and people's count
    first. Set judge.base_url and judge.model. Run the command again to continue.
    """
    import contextlib

    from rich.progress import Progress

    from es_hybrid.commands._output import console
    from es_hybrid.evaluation.judging.llm import LlmJudge, judge_by_llm
    from es_hybrid.evaluation.judging.pool import read_pool
    from es_hybrid.evaluation.judging.store import JudgementStore

    items = read_pool(pool or settings.judge.pool)
    people = JudgementStore(judgements or settings.judge.judgements).read()
    store = JudgementStore(llm_judgements or settings.judge.llm_judgements)
    with (
        contextlib.closing(LlmJudge(settings.judge)) as judge,
        Progress(transient=True, disable=not console().is_terminal) as progress,
    ):
        task = progress.add_task("judge", total=None)
        failed = judge_by_llm(
            judge,
            store,
            items,
            people=people,
            report=lambda found: print_pairs([found]),
            only_agreement=only_agreement,
            done=lambda: progress.advance(task),
        )
        judged = sum(judge.name in by_judge for by_judge in store.read().values())
        click.echo(f"{judged:,} judged by {judge.name} in {store.path}")
    if failed:
        click.echo(f"{failed:,} without a usable answer: unjudged", err=True)
