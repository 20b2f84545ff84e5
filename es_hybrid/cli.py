"""The `es-hybrid` command. Its sub-commands are entry points, loaded when called.

A command module imports only click and the standard library at the top, and everything else inside
its functions: `es-hybrid --help` is fast, and a missing extra only affects commands that need it.
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import entry_points, version
from typing import Any

import click

from es_hybrid.errors import EsHybridError
from es_hybrid.secrets import ScrubbingFormatter, print_scrubbed

COMMANDS = "es_hybrid.commands"


class EntryPointGroup(click.Group):
    """A click group whose commands are entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The command names, without loading the commands."""
        return sorted(entry_points(group=COMMANDS).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        for entry_point in entry_points(group=COMMANDS, name=cmd_name):
            command: click.Command = entry_point.load()
            return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print an `EsHybridError` as one message and exit with its status."""
        try:
            return super().invoke(ctx)
        except EsHybridError as error:
            click.secho("error: ", fg="red", err=True, nl=False)
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)


@click.group(cls=EntryPointGroup)
@click.option("-v", "--verbose", count=True, help="Log more: -v progress, -vv every request.")
@click.version_option(version("es-hybrid"), prog_name="es-hybrid")
def main(verbose: int) -> None:
    """Hybrid, multilingual product search on Elasticsearch."""
    level = [logging.WARNING, logging.INFO, logging.DEBUG][min(verbose, 2)]
    sys.excepthook = print_scrubbed
    handler = logging.StreamHandler()
    handler.setFormatter(ScrubbingFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for package in ("es_hybrid", "ingest"):
        logging.getLogger(package).setLevel(level)
    if verbose < 2:  # it logs a traceback for each lost connection, which our errors report once
        logging.getLogger("elastic_transport").setLevel(logging.ERROR)
