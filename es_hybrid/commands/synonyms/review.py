"""`es-hybrid synonyms review`: decide which candidates become rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from es_hybrid.commands._review import YES_OR_NO, ask, by_option
from es_hybrid.commands._shared import settings_options

if TYPE_CHECKING:
    from rich.text import Text

    from es_hybrid.settings import Settings
    from es_hybrid.synonyms.candidates import SynonymCandidate


@click.command()
@click.argument("candidates", type=click.Path(path_type=Path, dir_okay=False))
@by_option
@settings_options
def review(candidates: Path, by: str, settings: Settings) -> None:
    """Ask about the CANDIDATES that `synonyms propose` wrote, the best first.

    Accepted ones are added to the file of `search.synonyms` and used within seconds. Each decision
    is recorded there as a comment, with your name, time and reason; what is decided is not asked
    again.
    """
    from es_hybrid.synonyms.candidates import read_candidates
    from es_hybrid.synonyms.decisions import SynonymDecisions

    decisions = SynonymDecisions(settings.search.synonyms)
    proposed = read_candidates(candidates)

    def waiting() -> list[SynonymCandidate]:
        decided = decisions.decided()
        return [each for each in proposed if each.rule not in decided]

    ask(
        lambda skipped: next(iter(waiting()[skipped:]), None),
        _shown,
        lambda candidate, accept, reason: decisions.decide(candidate, accept, by, reason),
        decisions.undo,
        answers=YES_OR_NO,
    )
    accepted = list(decisions.decided().values())
    click.echo(
        f"{len(waiting()):,} to review, {accepted.count(True):,} accepted, "
        f"{accepted.count(False):,} rejected"
    )


def _shown(candidate: SynonymCandidate) -> Text:
    """The rule in bold, its figures, and where it comes from."""
    from rich.text import Text

    languages = "-".join(dict.fromkeys(filter(None, candidate.languages)))
    figures = f"  {candidate.score:.2f} in {candidate.support} {candidate.origin} {languages}\n"
    return Text.assemble((candidate.rule, "bold"), figures, "\n".join(candidate.examples))
