"""`es-hybrid synonyms`: learn synonyms and decide which to use."""

from __future__ import annotations

import click

from es_hybrid.commands.synonyms.propose import propose
from es_hybrid.commands.synonyms.review import review


@click.group()
def synonyms() -> None:
    """Learn synonyms from titles and clicks, and decide which to use."""


synonyms.add_command(propose)
synonyms.add_command(review)
