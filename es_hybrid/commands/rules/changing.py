"""`es-hybrid rules put`, `approve`, `delete` and `undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._review import login_name
from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.rules._shared import read_rules, rule_store, state_of

if TYPE_CHECKING:
    from es_hybrid.merchandising.rules.rule import RuleVersion
    from es_hybrid.settings import Settings

_author = click.option(
    "--author",
    default=login_name,
    show_default="your login",
    help="Your name, stored with the version.",
)
_id = click.argument("id_", metavar="ID")


@click.command()
@click.argument("file")
@click.option("--draft", is_flag=True, help="Store without making it live; see `rules approve`.")
@_author
@settings_options
def put(file: str, author: str, settings: Settings, *, draft: bool) -> None:
    """Store the rules in FILE, JSON: one rule or a list; `-` is standard input.

    Each becomes a new version, and is live within a second.
    """
    rules = read_rules(file)
    with rule_store(settings) as store:
        for version in store.put_all(rules, author=author, draft=draft):
            _print(version)


@click.command()
@_id
@_author
@settings_options
def approve(id_: str, author: str, settings: Settings) -> None:
    """Make a draft live."""
    with rule_store(settings) as store:
        _print(store.approve(id_, author=author))


@click.command()
@_id
@_author
@settings_options
def delete(id_: str, author: str, settings: Settings) -> None:
    """End a rule. Its history stays, and `rules undo` brings it back."""
    with rule_store(settings) as store:
        _print(store.delete(id_, author=author))


@click.command()
@_id
@_author
@settings_options
def undo(id_: str, author: str, settings: Settings) -> None:
    """Take back the last change: what was live before it is live again, as a new version."""
    with rule_store(settings) as store:
        _print(store.undo(id_, author=author))


def _print(version: RuleVersion) -> None:
    click.echo(f"{version.rule.id}: version {version.version}, {state_of(version)}")
