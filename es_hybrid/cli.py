"""The `es-hybrid` command. Its sub-commands are entry points, loaded when called.

A module of commands imports click and the standard library only; what a command needs it imports
when it runs. So `es-hybrid --help` is quick, and a missing extra breaks only what needs it.
"""

from __future__ import annotations

import logging
from importlib.metadata import entry_points, version
from typing import Any

import click

from es_hybrid.errors import EsHybridError

COMMANDS = "es_hybrid.commands"


class EntryPointGroup(click.Group):
    """A group whose commands are the entry points of a group of that name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, without loading what stands behind them."""
        return sorted(entry_points(group=COMMANDS).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        for entry_point in entry_points(group=COMMANDS, name=cmd_name):
            command: click.Command = entry_point.load()
            return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an `EsHybridError` ends as one message and its exit status."""
        try:
            return super().invoke(ctx)
        except EsHybridError as error:
            click.secho("error: ", fg="red", err=True, nl=False)
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)


@click.group(cls=EntryPointGroup)
@click.option("-v", "--verbose", count=True, help="Say more: -v what is done, -vv every request.")
@click.version_option(version("es-hybrid"), prog_name="es-hybrid")
def main(verbose: int) -> None:
    """Hybrid, multilingual product search on Elasticsearch."""
    level = [logging.WARNING, logging.INFO, logging.DEBUG][min(verbose, 2)]
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    for package in ("es_hybrid", "ingest"):
        logging.getLogger(package).setLevel(level)
    if verbose < 2:  # it warns of each lost connection with a traceback; our errors say it once
        logging.getLogger("elastic_transport").setLevel(logging.ERROR)
