"""What the words of a shopper mean."""

from __future__ import annotations

from dataclasses import dataclass

from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.spelling import Correction


@dataclass(frozen=True, slots=True)
class Understood:
    """What a query means.

    Attributes:
        words: What to search for.
        conditions: What hits must meet.
        correction: What `words` replaces.
        forms: Other forms of `words` for the lexical leg; a product with the words of one is
            found.
    """

    words: str
    conditions: tuple[Condition, ...] = ()
    correction: Correction | None = None
    forms: tuple[str, ...] = ()
