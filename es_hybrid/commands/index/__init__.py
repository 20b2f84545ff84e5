"""`es-hybrid index`: create, inspect, prepare and switch indices."""

from __future__ import annotations

import click

from es_hybrid.commands.index.calibrate import calibrate
from es_hybrid.commands.index.describe import describe
from es_hybrid.commands.index.dims import dims
from es_hybrid.commands.index.learn import learn
from es_hybrid.commands.index.plan import apply, plan
from es_hybrid.commands.index.versions import create, list_, promote, prune, rollback_


@click.group()
def index() -> None:
    """Create, inspect, prepare and switch indices."""


for command in (
    apply, calibrate, create, describe, dims, learn, list_, plan, promote, prune,
    rollback_,
):  # fmt: skip
    index.add_command(command)
