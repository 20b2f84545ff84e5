"""`es-hybrid eval judge`: grade results by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._review import Answers, ask, by_option
from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.eval._judging import judgements_option, pool_option, print_agreement

if TYPE_CHECKING:
    from rich.text import Text

    from es_hybrid.evaluation.judging.pool import PoolItem
    from es_hybrid.settings import Settings


@click.command()
@pool_option
@judgements_option
@by_option
@click.option("--agreement", is_flag=True, help="Print how the judges agree, and exit.")
@settings_options
def judge(
    pool: Path | None, judgements: Path | None, by: str, agreement: bool, settings: Settings
) -> None:
    """Ask for a grade from 0 to 3 for the results that `eval sample` proposed, one by one.

    Neither ranks nor the grades of others are shown, and the products of a query come in an order
    that says nothing. What you judged is not asked again. Several people can judge at once, each
    with a name of their own (--by). Then `es-hybrid eval import judgements` makes qrels.
    """
    from es_hybrid.evaluation.judging.pool import read_pool
    from es_hybrid.evaluation.judging.scale import GRADES
    from es_hybrid.evaluation.judging.session import blind_order, progress
    from es_hybrid.evaluation.judging.store import JudgementStore

    store = JudgementStore(judgements or settings.judge.judgements)
    if agreement:
        print_agreement(store.read())
        return
    by = by.strip()
    ordered = blind_order(read_pool(pool or settings.judge.pool), by)

    def waiting() -> list[PoolItem]:
        judged = store.read()
        return [item for item in ordered if by not in judged.get(item.pair, {})]

    for grade, meaning in GRADES.items():
        click.echo(f"{grade} {meaning}")
    ask(
        lambda skipped: next(iter(waiting()[skipped:]), None),
        _shown,
        lambda item, grade, note: store.judge(item, grade, by, note),
        store.undo,
        answers=Answers(
            keys={str(grade): grade for grade in GRADES}, prompt="grade [0-3]", remark="note"
        ),
    )
    judged = store.read()
    state = progress(ordered, judged, by)
    click.echo(f"{state.mine:,} of {state.total:,} by {by}, {state.judged:,} by anyone")
    print_agreement(judged)


def _shown(item: PoolItem) -> Text:
    """The query, then the product's fields, without a rank."""
    from rich.text import Text

    text = Text.assemble("\n", (item.query, "bold reverse"), f"  {item.lang}\n")
    for name, value in item.fields.items():
        text.append(f"{name}: ", style="dim")
        text.append(f"{_text(value)}\n", style="bold" if name == "title" else "")
    return text


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {found}" for name, found in value.items())
    return str(value)
