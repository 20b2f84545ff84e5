"""What the words of a shopper mean: the result of all modules here."""

from __future__ import annotations

from dataclasses import dataclass

from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.spelling import Correction
from es_hybrid.understanding.synonyms import Synonym


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a query means in a catalogue.

    Attributes:
        words: What to search for.
        conditions: What hits must meet, or rank higher for.
        correction: The words before their synonyms, and what was corrected in them.
        forms: Other forms of `words` for the lexical leg; a product with the words of one is
            found.
        synonyms: Synonyms in `words` and `forms`.
        degraded: What could not be used to understand the query.
    """

    words: str
    conditions: tuple[Condition, ...] = ()
    correction: Correction | None = None
    forms: tuple[str, ...] = ()
    synonyms: tuple[Synonym, ...] = ()
    degraded: tuple[str, ...] = ()

    @property
    def typed(self) -> str:
        """The words before their correction, which may take a trade number apart."""
        return self.correction.query if self.correction else self.words
