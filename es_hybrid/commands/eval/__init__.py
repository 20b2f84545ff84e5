"""`es-hybrid eval`: measure searches on the shop's own queries."""

from __future__ import annotations

import click

from es_hybrid.commands.eval.check import check
from es_hybrid.commands.eval.compare import compare
from es_hybrid.commands.eval.diff import diff
from es_hybrid.commands.eval.run import run
from es_hybrid.commands.eval.snapshot import snapshot
from es_hybrid.commands.eval.tune import tune
from es_hybrid.commands.eval.watch import watch


@click.group("eval")
def eval_() -> None:
    """Measure searches on the shop's own queries."""


for command in (check, compare, diff, run, snapshot, tune, watch):
    eval_.add_command(command)
