"""The settings that tuning may change, and the values that it tries."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from es_hybrid.settings import Settings

# `section.name` of each setting that differs from the present settings -> its value; empty: the
# present settings themselves.
SettingsChange = Mapping[str, Any]

# `section.name` -> draws a value.
Space = Mapping[str, Callable[[random.Random], Any]]

# Settings that make another lexical query. Each such draw is shared by several trials: a leaf asked
# anew takes ten times as long as a fusion.
_LEXICAL = ("search.fields", "search.minimum_should_match", "search.phrase_boost")
_TRIALS_PER_QUERY = 8
# A setting keeps its present value in this share of the draws. If all changed at once, a good value
# of one would be lost among bad values of others.
_KEPT = 0.5
# Draws in a row that repeat earlier ones, until the space counts as exhausted.
_PATIENCE = 1000

_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_RANK_CONSTANTS = (2, 5, 10, 20, 40, 60, 100, 200)
_WINDOWS = (20, 50, 100, 150, 200, 300)
_NUM_CANDIDATES = (500, 1000, 2000, 4000, 10_000)
_MINIMUM_SHOULD_MATCH = ("1", "2<50%", "2<67%", "2<75%", "2<-1", "3<75%", "100%")
_PHRASE_BOOSTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
# `combined_fields` refuses boosts below 1.
_BOOSTS = (1, 1, 2, 4)
_RERANK_WINDOWS = (10, 20, 30, 50, 100)
_RERANK_WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0)


def space_of(settings: Settings, *, reranks: bool, instructed: bool) -> Space:
    """The space around the present settings.

    Args:
        reranks: Whether there is a reranker.
        instructed: Whether its scores depend on the instruction.
    """
    search = settings.search
    # Any window goes with any number of candidates.
    windows = [window for window in _WINDOWS if window <= search.num_candidates]
    widest = max(search.window, *windows)
    space: dict[str, Callable[[random.Random], Any]] = {
        "search.fields": _boosts(search.fields),
        "search.minimum_should_match": _one_of(_MINIMUM_SHOULD_MATCH),
        "search.phrase_boost": _one_of(_PHRASE_BOOSTS),
        "search.num_candidates": _one_of([each for each in _NUM_CANDIDATES if each >= widest]),
        "search.window": _one_of(windows),
        "search.rank_constant": _one_of(_RANK_CONSTANTS),
    }
    if search.bm25_weight:
        # Only the ratio of the two weights counts.
        weights = [float(f"{search.bm25_weight * weight:.3g}") for weight in _WEIGHTS]
        space["search.knn_weight"] = _one_of(weights)
    if reranks:
        space["rerank.enabled"] = _one_of((True, False))
        space["rerank.window"] = _one_of(_RERANK_WINDOWS)
        space["rerank.weight"] = _one_of(_RERANK_WEIGHTS)
    if reranks and instructed:
        space["rerank.category"] = _one_of(sorted(settings.rerank.instructions))
    return space


def draw(space: Space, settings: Settings, *, trials: int, seed: int) -> list[SettingsChange]:
    """Distinct changes, the first of them none; fewer than `trials` if the space has fewer."""
    chance = random.Random(seed)
    lexical = [name for name in _LEXICAL if name in space]
    others = [name for name in space if name not in lexical]
    queries = [_drawn(space, lexical, chance) for _ in range(math.ceil(trials / _TRIALS_PER_QUERY))]
    queries.insert(0, {})
    found: dict[str, SettingsChange] = {"{}": {}}
    repeated = 0
    while len(found) < trials and repeated < _PATIENCE:
        change = differing({**chance.choice(queries), **_drawn(space, others, chance)}, settings)
        repeated += 1
        if repr(change) not in found:
            found[repr(change)] = change
            repeated = 0
    return list(found.values())


def applied(settings: Settings, change: SettingsChange) -> Settings:
    """The settings with a change."""
    sections = itertools.groupby(sorted(change), key=lambda name: name.partition(".")[0])
    return settings.with_(
        **{
            section: {name.partition(".")[2]: change[name] for name in names}
            for section, names in sections
        }
    )


def differing(change: SettingsChange, settings: Settings) -> SettingsChange:
    """A change without what it leaves as it is, in the order of the names."""
    return {name: change[name] for name in sorted(change) if change[name] != _now(settings, name)}


def _drawn(space: Space, names: Sequence[str], chance: random.Random) -> dict[str, Any]:
    return {name: space[name](chance) for name in names if chance.random() >= _KEPT}


def _one_of(values: Sequence[Any]) -> Callable[[random.Random], Any]:
    return lambda chance: chance.choice(values)


def _boosts(fields: Sequence[str]) -> Callable[[random.Random], tuple[str, ...]]:
    names = [field.partition("^")[0] for field in fields]

    def boosted(chance: random.Random) -> tuple[str, ...]:
        boosts = [chance.choice(_BOOSTS) for _ in names]
        return tuple(
            name if boost == 1 else f"{name}^{boost}"
            for name, boost in zip(names, boosts, strict=True)
        )

    return boosted


def _now(settings: Settings, name: str) -> Any:
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)
