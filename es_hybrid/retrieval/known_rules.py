"""What a caller knows of the merchandising rules, and how old that is."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from threading import Lock
from typing import NamedTuple

from es_hybrid.merchandising.rules.matching import RuleSet
from es_hybrid.retrieval.remembered import Remembered

# Revision of the stored rules -> the rules. Shared by all callers: each reads the revision itself.
RuleSets = MutableMapping[str, RuleSet]

# Seconds after which a search asks for the revision, so that a write is live within a second.
MAX_AGE = 0.5
# Sets to remember, and for how many seconds.
_SETS = (4, 3600)


class State(NamedTuple):
    """The rules as last read.

    Attributes:
        revision: Empty if there are none.
        note: Why there are none, if the caller may not read them.
        degraded: Why they may be older than they should be.
    """

    revision: str = ""
    rules: RuleSet = RuleSet()
    note: str = ""
    degraded: str = ""


class KnownRules:
    """The rules that one caller may read. Safe for threads.

    Args:
        sets: What others read already.
        clock: Returns seconds.

    Attributes:
        state: Replaced as a whole.
    """

    def __init__(
        self, sets: RuleSets | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = State()
        self.sets: RuleSets = Remembered(*_SETS) if sets is None else sets
        self._clock = clock
        self._lock = Lock()
        self._asked: float | None = None
        self._ready = False

    def take_turn(self) -> bool:
        """Whether this search has to read the rules.

        Of several searches at a time it is one, and the others use what is known; before anything
        is known, it is all of them.
        """
        with self._lock:
            now = self._clock()
            if self._ready and self._asked is not None and now - self._asked < MAX_AGE:
                return False
            self._asked = now
            return True

    def learn(self, state: State) -> None:
        """Remember what was read."""
        self.state, self._ready = state, True
