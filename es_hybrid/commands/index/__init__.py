"""`es-hybrid index`: make, describe, prepare and switch indices. One module a sub-command."""

from __future__ import annotations

import click

from es_hybrid.commands.index.apply import apply
from es_hybrid.commands.index.compare import compare
from es_hybrid.commands.index.create import create
from es_hybrid.commands.index.describe import describe
from es_hybrid.commands.index.dims import dims
from es_hybrid.commands.index.list import list_
from es_hybrid.commands.index.plan import plan
from es_hybrid.commands.index.versions import promote
from es_hybrid.commands.index.prune import prune
from es_hybrid.commands.index.rollback import rollback_


@click.group()
def index() -> None:
    """Make, describe, prepare and switch indices."""


for command in (
    apply, compare, create, describe, dims, list_, plan, promote, prune, rollback_,
):  # fmt: skip
    index.add_command(command)
