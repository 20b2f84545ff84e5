"""Decisions by keyboard, one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

_Asked = TypeVar("_Asked")
_Made = TypeVar("_Made")


def login_name() -> str:
    """The login name, or an empty string."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user, as in some containers
        return ""


by_option = click.option(
    "--by",
    default=login_name,
    show_default="your login",
    help="Your name, stored with each decision.",
)


def ask(
    following: Callable[[int], _Asked | None],
    show: Callable[[_Asked], RenderableType],
    decide: Callable[[_Asked, bool, str], _Made],
    undo: Callable[[_Made], object],
) -> None:
    """Ask until nothing is left or the person quits.

    Args:
        following: What to ask next, after so many that were skipped; None at the end.
        decide: Stores a decision: whether it is accepted, and the reason.
    """
    from es_hybrid.commands._output import console

    skipped, last = 0, None
    while (asked := following(skipped)) is not None:
        console().print(show(asked))
        answer = click.prompt(
            "[a]ccept, [r]eject, [s]kip, [u]ndo last, [q]uit",
            type=click.Choice(["a", "r", "s", "u", "q"]),
            show_choices=False,
        )
        if answer == "q":
            break
        if answer == "s":
            skipped += 1
        elif answer == "u":
            if last is None:
                click.echo("nothing to undo yet")
            else:
                undo(last)
                last = None
        else:
            reason = click.prompt("reason", default="", show_default=False)
            last = decide(asked, answer == "a", reason)
