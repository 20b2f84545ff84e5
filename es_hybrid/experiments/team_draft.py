"""Team-draft interleaving of two rankings (Radlinski, Kurup and Joachims 2008)."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

Team = Literal["A", "B", ""]


class Pick(NamedTuple):
    """A hit, and the team that gets its clicks; none if the other ranking had ended before it."""

    id: str
    team: Team


def team_draft(a: Sequence[str], b: Sequence[str], *, size: int, seed: str) -> list[Pick]:
    """The first hits of both rankings, interleaved.

    In every round the teams pick their best hit that is not shown yet, in an order drawn by lot.
    The same seed draws the same lots, so a longer list begins with a shorter one: to show the hits
    up to the n-th, the first n of each ranking are enough.

    Args:
        a: Ids, best first.
        b: Ids, best first.
        size: Number of hits, at most.
        seed: Of the lots; equal for all pages of a search.
    """
    return list(islice(_drafted(a, b, random.Random(seed)), size))


def teams_of(picks: Sequence[Pick]) -> dict[str, list[str]]:
    """The ids that each team picked, `a` and `b`."""
    return {team.lower(): [pick.id for pick in picks if pick.team == team] for team in ("A", "B")}


def _drafted(a: Sequence[str], b: Sequence[str], lots: random.Random) -> Iterator[Pick]:
    shown: set[str] = set()
    left = {"A": deque(a), "B": deque(b)}
    sides: list[Literal["A", "B"]] = ["A", "B"]
    while True:
        for side in sides if lots.random() < 0.5 else sides[::-1]:
            for ranking in left.values():
                while ranking and ranking[0] in shown:
                    ranking.popleft()
            if not all(left.values()):
                # Clicks on the rest of the longer ranking would only say that it is longer.
                yield from (Pick(id_, "") for id_ in (*left["A"], *left["B"]) if id_ not in shown)
                return
            best = left[side].popleft()
            shown.add(best)
            yield Pick(best, side)
