"""Decisions by keyboard, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

_Asked = TypeVar("_Asked")
_Made = TypeVar("_Made")
_Given = TypeVar("_Given")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(Generic[_Given]):
    """The keys that decide.

    Attributes:
        keys: Key -> what it decides.
        prompt: What each key means.
        remark: What to ask for after a decision.
    """

    keys: Mapping[str, _Given]
    prompt: str
    remark: str


YES_OR_NO = Answers(keys={"a": True, "r": False}, prompt="[a]ccept, [r]eject", remark="reason")


def ask(
    following: Callable[[int], _Asked | None],
    show: Callable[[_Asked], RenderableType],
    decide: Callable[[_Asked, _Given, str], _Made],
    undo: Callable[[_Made], object],
    *,
    answers: Answers[_Given],
) -> None:
    """Ask until nothing is left or the person quits.

    Args:
        following: What to ask next, after so many that were skipped; None at the end.
        decide: Stores a decision: what was decided, and the remark.
        undo: Takes back the last decision that was not taken back yet.
    """
    from es_hybrid.commands._output import console

    skipped, made = 0, list[_Made]()
    while (asked := following(skipped)) is not None:
        console().print(show(asked))
        answer = click.prompt(
            f"{answers.prompt}, [s]kip, [u]ndo last, [q]uit",
            type=click.Choice([*answers.keys, "s", "u", "q"]),
            show_choices=False,
        )
        if answer == "q":
            break
        if answer == "s":
            skipped += 1
        elif answer != "u":
            remark = click.prompt(answers.remark, default="", show_default=False)
            made.append(decide(asked, answers.keys[answer], remark))
        elif made:
            undo(made.pop())
        else:
            click.echo("nothing to undo yet")
