"""`es-hybrid ingest`: load products, and look after loads."""

from __future__ import annotations

import click

from ingest.commands.load import load


@click.group()
def ingest() -> None:
    """Load products into the index."""


for command in (load,):
    ingest.add_command(command)
