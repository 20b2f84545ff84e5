"""`es-hybrid rules`: the merchandising rules of a shop."""

from __future__ import annotations

import click

from es_hybrid.commands.rules.changing import approve, delete, put, undo
from es_hybrid.commands.rules.dry_run import dry_run
from es_hybrid.commands.rules.reading import history, list_, show


@click.group()
def rules() -> None:
    """Pin, hide, boost, filter, rewrite and route searches by rules. See docs/merchandising.md."""


rules.add_command(list_)
rules.add_command(show)
rules.add_command(put)
rules.add_command(approve)
rules.add_command(delete)
rules.add_command(history)
rules.add_command(undo)
rules.add_command(dry_run)
