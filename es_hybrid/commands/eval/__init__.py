"""`es-hybrid eval`: measure searches on the shop's own queries."""

from __future__ import annotations

import click

from es_hybrid.commands.eval.clicks import clicks
from es_hybrid.commands.eval.import_ import import_
from es_hybrid.commands.eval.judge import judge
from es_hybrid.commands.eval.llm import llm
from es_hybrid.commands.eval.run import run
from es_hybrid.commands.eval.sample import sample


@click.group("eval")
def eval_() -> None:
    """Measure searches on the shop's own queries."""


eval_.add_command(clicks)
eval_.add_command(import_)
eval_.add_command(judge)
eval_.add_command(llm)
eval_.add_command(run)
eval_.add_command(sample)
