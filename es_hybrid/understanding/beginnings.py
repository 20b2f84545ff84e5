"""Things found by how a word of theirs begins, also if a letter of the beginning is wrong."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Generic, TypeVar

T = TypeVar("T")

# Behind every letter.
_LAST = "\U0010ffff"


class Beginnings(Generic[T]):
    """Sorted words, each with the thing that it belongs to.

    Args:
        words: Word and thing; several words may belong to one thing.
    """

    def __init__(self, words: Iterable[tuple[str, T]]) -> None:
        ordered = sorted(words, key=itemgetter(0))
        self._words = [word for word, _ in ordered]
        self._things = [thing for _, thing in ordered]

    def starting_with(self, start: str) -> list[T]:
        """The things with a word that begins so, sorted by that word."""
        first = bisect_left(self._words, start)
        return self._things[first : bisect_left(self._words, start + _LAST)]

    def one_letter_off(self, start: str) -> Iterator[tuple[int, T]]:
        """The things with a word that begins so but for one letter, each with that letter's place.

        The letter is missing, added, wrong or swapped with the next. A thing may come twice.
        """
        for place in range(len(start)):
            for other in set(self._edited(start, place)) - {start}:
                for thing in self.starting_with(other):
                    yield place, thing

    def _edited(self, start: str, place: int) -> Iterator[str]:
        before, letter, after = start[:place], start[place], start[place + 1 :]
        yield before + after
        yield before + after[:1] + letter + after[1:]
        for other in self._letters_after(before):
            yield before + other + after
            yield before + other + letter + after

    def _letters_after(self, start: str) -> Iterator[str]:
        """The letters by which words continue that begin so."""
        place = bisect_left(self._words, start + "\0")
        while place < len(self._words) and self._words[place].startswith(start):
            letter = self._words[place][len(start)]
            yield letter
            place = bisect_left(self._words, start + letter + _LAST)
