"""`es-hybrid rules list`, `show` and `history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from es_hybrid.commands._shared import settings_options
from es_hybrid.commands.rules._shared import print_versions, rule_store

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("list")
@_json
@settings_options
def list_(settings: Settings, *, as_json: bool) -> None:
    """List the latest version of each rule, drafts as well."""
    with rule_store(settings) as store:
        print_versions(store.list_rules(), as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID")
@settings_options
def show(id_: str, settings: Settings) -> None:
    """Print the latest version of a rule as JSON, for `rules put`."""
    with rule_store(settings) as store:
        rule = store.history(id_)[0].rule
    click.echo(rule.model_dump_json(indent=2, exclude_defaults=True))


@click.command()
@click.argument("id_", metavar="ID")
@_json
@settings_options
def history(id_: str, settings: Settings, *, as_json: bool) -> None:
    """List all versions of a rule, the newest first."""
    with rule_store(settings) as store:
        print_versions(store.history(id_), as_json=as_json)
