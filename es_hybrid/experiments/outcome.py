"""What a log says about the two rankings of an experiment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.clicks.counts import ACTIONS, LoggedSearch, ShopperAction
from es_hybrid.experiments.sequential import log_evidence, share_interval

_FAIR = 0.5


@dataclass(slots=True)
class Votes:
    """The searches of a day, by what their shoppers preferred."""

    a: int = 0
    b: int = 0
    ties: int = 0
    silent: int = 0

    def add(self, preferred: Literal["A", "B", "tie", "none"]) -> None:
        """Count one search."""
        name = {"A": "a", "B": "b", "tie": "ties", "none": "silent"}[preferred]
        setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True, slots=True)
class DailyLook:
    """What the searches up to the end of a day say.

    Attributes:
        evidence: Against both being equally good; 1 / alpha and more rejects that.
    """

    day: str
    a: int
    b: int
    evidence: float


@dataclass(slots=True)
class ExperimentOutcome:
    """An experiment.

    Attributes:
        mode: `interleave`: a search is for the team with more clicked hits. `ab`: one with a click
            is for the ranking that answered it.
        null: Share of B if both are equally good.
    """

    name: str
    mode: str
    null: float = _FAIR
    days: dict[str, Votes] = field(default_factory=dict)

    @property
    def total(self) -> Votes:
        """All days."""
        days = self.days.values()
        return Votes(
            sum(day.a for day in days),
            sum(day.b for day in days),
            sum(day.ties for day in days),
            sum(day.silent for day in days),
        )

    @property
    def looks(self) -> list[DailyLook]:
        """One at the end of each day, in order."""
        found, a, b = [], 0, 0
        for day, votes in sorted(self.days.items()):
            a, b = a + votes.a, b + votes.b
            # e^700 is about the largest float.
            evidence = math.exp(min(log_evidence(b, a, null=self.null), 700.0))
            found.append(DailyLook(day, a, b, evidence))
        return found

    def interval(self, alpha: float) -> tuple[float, float]:
        """Of B's share of the decided searches; see `share_interval`."""
        total = self.total
        return share_interval(total.b, total.a, null=self.null, alpha=alpha)

    def better(self, alpha: float) -> tuple[Literal["A", "B"], str] | None:
        """The better ranking, and the first day on which that was sure; None if neither is."""
        for look in self.looks:
            if look.evidence >= 1 / alpha:
                return ("B" if look.b > self.null * (look.a + look.b) else "A"), look.day
        return None


def outcomes(
    searches: Iterable[LoggedSearch], *, action: ShopperAction
) -> dict[str, ExperimentOutcome]:
    """Name -> experiment, of all experiments in a log.

    Args:
        action: The weakest action that counts.

    Raises:
        EvaluationError: the facts of an experiment in the log are malformed, or changed.
    """
    found: dict[str, ExperimentOutcome] = {}
    counted = ACTIONS[ACTIONS.index(action) :]
    for search in searches:
        if facts := search.attributes.get("experiment"):
            try:
                outcome = _outcome_of(facts, found)
                clicked = [id_ for id_, done in search.actions.items() if done in counted]
                votes = outcome.days.setdefault(search.time[:10], Votes())
                votes.add(_preferred(facts, clicked))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise EvaluationError(
                    f"malformed facts of an experiment: {error!r}",
                    place=f"log, search [{search.query}] at {search.time}",
                    remedy="read the log of `es-hybrid serve`",
                ) from None
    return found


def _outcome_of(facts: Mapping[str, Any], found: dict[str, ExperimentOutcome]) -> ExperimentOutcome:
    name, mode = str(facts["name"]), str(facts["mode"])
    null = float(facts["share"]) if mode == "ab" else _FAIR
    outcome = found.setdefault(name, ExperimentOutcome(name, mode, null))
    if (outcome.mode, outcome.null) != (mode, null):
        raise EvaluationError(
            "mode or share changed during the experiment",
            place=f"experiment {name}",
            remedy="read the files from before or after the change; give a changed one a new name",
        )
    if not 0 < null < 1:
        raise EvaluationError(
            "one ranking answered every search",
            place=f"experiment {name}",
            remedy="set experiment.share between 0 and 1",
        )
    return outcome


def _preferred(facts: Mapping[str, Any], clicked: list[str]) -> Literal["A", "B", "tie", "none"]:
    if not clicked:
        return "none"
    if facts["mode"] == "ab":
        return "B" if facts["team"] == "B" else "A"
    a, b = (len(set(clicked).intersection(facts[team])) for team in ("a", "b"))
    return "tie" if a == b else "A" if a > b else "B"
