"""`es-hybrid align`: find the same product in several languages or catalogues."""

from __future__ import annotations

import click

from ingest.align.commands.apply import apply_
from ingest.align.commands.calibrate import calibrate
from ingest.align.commands.report import report
from ingest.align.commands.review import review
from ingest.align.commands.run import run
from ingest.align.commands.values import values


@click.group()
def align() -> None:
    """Find the same product in several languages or catalogues."""


for command in (run, calibrate, review, report, apply_, values):
    align.add_command(command)
