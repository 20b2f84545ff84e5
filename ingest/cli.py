"""`es-hybrid ingest`: load products and manage loads."""

from __future__ import annotations

import click

from ingest.commands.backfill import backfill
from ingest.commands.check import check
from ingest.commands.load import load
from ingest.commands.map import map_
from ingest.commands.replay import replay
from ingest.commands.resume import resume
from ingest.commands.status import status
from ingest.commands.tune import tune


@click.group()
def ingest() -> None:
    """Load products into an index."""


for command in (backfill, check, load, map_, replay, resume, status, tune):
    ingest.add_command(command)
