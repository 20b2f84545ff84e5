"""Misspelt, joined and split words of a query -> the catalogue's own words.

A word that the catalogue uses is never changed, and neither is a common word of a language: what
the shop does not sell is not misspelt. Any other becomes the same word with other accents
(`muetze` -> `mütze`), two words (`iphone15` -> `iphone 15`), or a word that differs by a letter or
two, if the catalogue uses it. A word that the catalogue hyphenates (`tshirt`) becomes that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from es_hybrid.understanding.common_words import SHOPPERS, is_common_in
from es_hybrid.understanding.vocabulary import Vocabulary, words_of

# Letters of a word in which one letter may be wrong, and two. Shorter words are like too many
# others. Algolia: 4 and 8, Meilisearch: 5 and 9.
_ONE_WRONG, _TWO_WRONG = 4, 8
# A further wrong letter weighs as much as a word used by ninety times fewer products.
_WRONG = 4.5
# People seldom mistype the first letter.
_WRONG_FIRST = 1.5
# Two words in place of one weigh more than a wrong letter.
_TWO_WORDS = 6.0
# Words of a query that are corrected: what has more unknown words is no list of products.
_MAX_WORDS = 8
# Letters of each of two words that are written as one.
_MIN_PART = 3
# `wire less` becomes one word if that is used by this many times more products than one of the two.
_JOINED_MORE = 2
# `iphone15` becomes two words if `iphone` is used by this many times more products.
_APART_MORE = 2
# Powers of ten of a word's uses in a billion words: those of a common word, and of a short one in a
# language that the shop does not use. `moue` is French, and more often a mouse.
_COMMON, _COMMON_ELSEWHERE = 3.0, 3.5
_SHORT = 5


class Replacement(NamedTuple):
    """Characters `start` to `end` of a query, and the words to search in their place."""

    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A query and the changes to it, in the order of the text; at least one."""

    query: str
    changes: tuple[Replacement, ...]

    @property
    def text(self) -> str:
        """What is searched instead."""
        parts, done = [], 0
        for start, end, words in self.changes:
            parts += [self.query[done:start], words]
            done = end
        return "".join([*parts, self.query[done:]])

    @property
    def unknown(self) -> list[str]:
        """What is replaced because the catalogue lacks it; `iphone15` may only be rarer."""
        return [word for word in self.replaced if not word[-1].isdigit()]

    @property
    def has_models(self) -> bool:
        """Whether a name and its number are separated."""
        return len(self.unknown) < len(self.changes)

    @property
    def replaced(self) -> dict[str, str]:
        """What the catalogue lacks -> what it has instead."""
        return {self.query[start:end]: words for start, end, words in self.changes}

    def without(self, kept: Collection[str]) -> Correction | None:
        """The correction that keeps these words as they are; None if nothing is left of it."""
        changes = [change for change in self.changes if self.query[slice(*change[:2])] not in kept]
        return Correction(self.query, tuple(changes)) if changes else None


def may_be_misspelt(text: str, vocabulary: Vocabulary) -> bool:
    """Whether `correct` may change a query: it has words that the catalogue lacks, or pairs.

    Takes microseconds; correcting takes a millisecond for each such word, and the first one in a
    process half a second.
    """
    words = list(words_of(text))
    if any(word["number"] or word[0].lower() not in vocabulary for word in words):
        return bool(vocabulary.counts)
    return any(True for _ in _joined(text, words, vocabulary))


def correct(text: str, vocabulary: Vocabulary) -> Correction | None:
    """The query in the catalogue's own words; None if none of them is misspelt.

    Args:
        text: The cleaned query. Only the first eight words that the catalogue lacks are corrected.
    """
    words = list(words_of(text))
    changes = list(_joined(text, words, vocabulary))
    taken = [range(start, end) for start, end, _ in changes]
    rest = (word for word in words if not any(word.start() in place for place in taken))
    doubtful = (word for word in rest if word["number"] or word[0].lower() not in vocabulary)
    for word in islice(doubtful, _MAX_WORDS):
        if other := _other_word(word, vocabulary):
            changes.append(Replacement(*word.span(), other))
    return Correction(text, tuple(sorted(changes))) if changes else None


def _other_word(word: re.Match[str], vocabulary: Vocabulary) -> str | None:
    """What to search in place of a word; None if it is not misspelt, or like no other word."""
    counts, letters, number = vocabulary.counts, word["letters"].lower(), word["number"]
    if number and counts.get(letters, 0) > counts.get(word[0].lower(), 0) * _APART_MORE:
        return f"{letters} {number}"
    if word[0].lower() in counts:
        return None
    if number and (name := _before_model(letters, vocabulary)):
        return f"{name} {letters.removeprefix(name)}{number}"
    other = vocabulary.with_hyphens(letters) or _other_letters(letters, vocabulary)
    return f"{other} {number}" if other and number else other


def _before_model(letters: str, vocabulary: Vocabulary) -> str | None:
    """The name before a letter or two of a model: `galaxy` of `galaxys24`."""
    names = (letters[:-1], letters[:-2])
    return next((name for name in names if len(name) >= _ONE_WRONG and name in vocabulary), None)


def _other_letters(word: str, vocabulary: Vocabulary) -> str | None:
    elsewhere = _COMMON_ELSEWHERE if len(word) <= _SHORT else _COMMON
    if is_common_in(vocabulary.languages, word, least=_COMMON):
        return None
    if is_common_in(SHOPPERS - vocabulary.languages, word, least=elsewhere):
        return None
    return nearest(word, vocabulary)


def nearest(word: str, vocabulary: Vocabulary) -> str | None:
    """The catalogue's words that are most like this one, common or not; None if none is.

    Takes a millisecond.

    Args:
        word: In lower case; the catalogue lacks it.
    """
    return vocabulary.spelt_otherwise(word) or _likeliest(word, vocabulary)


def _joined(
    text: str, words: Sequence[re.Match[str]], vocabulary: Vocabulary
) -> Iterator[Replacement]:
    """Pairs of words that the catalogue writes as one."""
    counts, end = vocabulary.counts, 0
    for one, two in pairwise(words):
        whole = (one[0] + two[0]).lower()
        if (
            one.start() < end
            or min(len(one[0]), len(two[0])) < _MIN_PART
            or whole not in counts
            or text[one.end() : two.start()] not in " -"
        ):
            continue
        rarer = min(counts.get(one[0].lower(), 0), counts.get(two[0].lower(), 0))
        if counts[whole] > rarer * _JOINED_MORE:
            end = two.end()
            yield Replacement(one.start(), end, whole)


def _likeliest(word: str, vocabulary: Vocabulary) -> str | None:
    """The words of the catalogue that this one most probably means."""
    found = [*_split(word, vocabulary), *_alike(word, vocabulary)]
    return max(found)[1] if found else None


def _split(word: str, vocabulary: Vocabulary) -> Iterator[tuple[float, str]]:
    """Two words that make up this one, with their likelihood."""
    counts = vocabulary.counts
    for place in range(_MIN_PART, len(word) - _MIN_PART + 1):
        one, two = word[:place], word[place:]
        if rarer := min(counts.get(one, 0), counts.get(two, 0)):
            yield math.log(rarer) - _TWO_WORDS, f"{one} {two}"


def _alike(word: str, vocabulary: Vocabulary) -> Iterator[tuple[float, str]]:
    """Words that differ by a letter or two, with their likelihood."""
    allowed = (len(word) >= _ONE_WRONG) + (len(word) >= _TWO_WRONG)
    for length in range(len(word) - allowed, len(word) + allowed + 1) if allowed else ():
        for other, wrong, _ in process.extract(
            word,
            vocabulary.by_length.get(length, ()),
            scorer=OSA.distance,
            score_cutoff=allowed,
            limit=None,
        ):
            first = _WRONG_FIRST if word[0] != other[0] else 0.0
            yield math.log(vocabulary.counts[other]) - wrong * _WRONG - first, other
