"""`es-hybrid align review`: decide uncertain pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from es_hybrid.commands._review import YES_OR_NO, ask, by_option
from ingest.align.commands._options import align_options

if TYPE_CHECKING:
    from rich.table import Table

    from es_hybrid.align.decisions import ReviewStore
    from es_hybrid.align.records import ReviewPair
    from es_hybrid.settings import Settings


def review_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that reviews pairs."""
    for option in reversed((
        by_option,
        click.option("--category", help="Only pairs of this category."),
        click.option("--decisions", "list_", is_flag=True, help="List all decisions and exit."),
        click.option("--undo", type=int, metavar="ID", help="Undo a decision and exit."),
        click.option(
            "--accept",
            nargs=2,
            metavar="LEFT RIGHT",
            help="Accept the pair with these ids and exit.",
        ),
        click.option(
            "--reject",
            nargs=2,
            metavar="LEFT RIGHT",
            help="Reject the pair with these ids and exit.",
        ),
        click.option("--reason", default="", help="The reason for --accept or --reject."),
        align_options,
    )):  # fmt: skip
        command = option(command)
    return command


@click.command()
@review_options
def review(settings: Settings, **options: Any) -> None:
    """Ask about the pairs between the thresholds one by one, most likely first.

    Decisions override scores. Run `align run` again to update the groups.
    """
    then = "run `es-hybrid align run` again with the same arguments to update the groups"
    review_store(settings.align.store, then=then, **options)


def review_store(
    path: Path,
    by: str,
    category: str | None,
    list_: bool,
    undo: int | None,
    accept: tuple[str, str] | None,
    reject: tuple[str, str] | None,
    reason: str,
    *,
    then: str,
) -> None:
    """What the options ask for, in the store of this path.

    Args:
        then: What to do after decisions.
    """
    from es_hybrid.align.decisions import ReviewStore

    store = ReviewStore(path)
    if list_:
        _list(store)
    elif undo is not None:
        undone = store.undo(undo, by)
        click.echo(f"{undone.id}: {undone.left_id} and {undone.right_id} are undecided again")
    elif accept or reject:
        pair = accept or reject
        assert pair is not None
        made = store.decide(pair, bool(accept), by, reason)
        click.echo(f"{made.id}: {'accepted' if made.accept else 'rejected'} by {made.by}")
    else:
        _ask(store, by, category, then)


def _ask(store: ReviewStore, by: str, category: str | None, then: str) -> None:
    ask(
        lambda skipped: next(iter(store.queue(1, skipped, category)), None),
        _side_by_side,
        lambda pair, accept, reason: store.decide(pair.record.pair, accept, by, reason),
        lambda made: store.undo(made.id, by),
        answers=YES_OR_NO,
    )
    counts = store.counts()
    click.echo(
        f"{counts['review']:,} to review, {counts['accepted']:,} accepted, "
        f"{counts['rejected']:,} rejected"
    )
    if counts["accepted"] or counts["rejected"]:
        click.echo(then)


def _side_by_side(pair: ReviewPair) -> Table:
    """The fields of both products, with differences in bold."""
    from rich.table import Table
    from rich.text import Text

    record = pair.record
    stages = ", ".join(f"{name} {found.score:.3f}" for name, found in record.stages.items())
    title = f"{record.score:.3f} {record.rule} ({stages})"
    table = Table("", "left", "right", title=Text(title), title_justify="left", expand=True)
    for name in dict.fromkeys((*pair.left, *pair.right)):
        cells = [_text(fields.get(name)) for fields in (pair.left, pair.right)]
        style = "" if cells[0] == cells[1] else "bold"
        table.add_row(name, *(Text(cell, style=style) for cell in cells))
    return table


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {found}" for name, found in value.items())
    if isinstance(value, list | tuple):
        return " > ".join(map(str, value))
    return "" if value is None else str(value)


def _list(store: ReviewStore) -> None:
    from rich.table import Table
    from rich.text import Text

    from es_hybrid.commands._output import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "left", "right", "decision", "by", "reason", "time", "undone"):
        table.add_column(name)
    for each in store.decisions():
        cells = (
            str(each.id), each.left_id, each.right_id, "accept" if each.accept else "reject",
            each.by, each.reason, each.time, f"{each.undone_by} {each.undone_at}".strip(),
        )  # fmt: skip
        table.add_row(*map(Text, cells))
    console().print(table)
