"""`es-hybrid eval`: measure searches on the shop's own queries."""

from __future__ import annotations

import click

from es_hybrid.commands.eval.check import check
from es_hybrid.commands.eval.clicks import clicks
from es_hybrid.commands.eval.compare import compare
from es_hybrid.commands.eval.diff import diff
from es_hybrid.commands.eval.import_ import import_
from es_hybrid.commands.eval.interleave import interleave
from es_hybrid.commands.eval.judge import judge
from es_hybrid.commands.eval.llm import llm
from es_hybrid.commands.eval.run import run
from es_hybrid.commands.eval.sample import sample
from es_hybrid.commands.eval.snapshot import snapshot
from es_hybrid.commands.eval.trade_off import trade_off
from es_hybrid.commands.eval.tune import tune
from es_hybrid.commands.eval.watch import watch


@click.group("eval")
def eval_() -> None:
    """Measure searches on the shop's own queries."""


for command in (
    check, clicks, compare, diff, import_, interleave, judge, llm, run, sample, snapshot,
    trade_off, tune, watch,
):  # fmt: skip
    eval_.add_command(command)
