"""A query that is still being typed: its last word is the beginning of one.

Nothing here reads the lists of common words, which would take half a second: what is suggested for
a word that is no mistake is only a suggestion.
"""

from __future__ import annotations

import re
from collections import Counter

from es_hybrid.understanding.plain import UNSPACED
from es_hybrid.understanding.spelling import nearest
from es_hybrid.understanding.vocabulary import Vocabulary, folded, words_of

_UNFINISHED = re.compile(rf"(?:[{UNSPACED}]+|[^\W_{UNSPACED}]+)(?=\W*$)")
# Letters of a beginning in which one may be wrong, as in a whole word.
_MIN_LETTERS = 4
# Readings other than the typed one, and complete words that are corrected.
_MAX_OTHERS, _MAX_WORDS = 3, 4
# People seldom mistype the first letter: such words count as if so many times fewer products used
# them.
_WRONG_FIRST = 5


def split_unfinished(text: str) -> tuple[str, str]:
    """What is typed before the last word, and the last word; that of `无线耳机` is all of it.

    >>> split_unfinished("wi-fi rou")
    ('wi-fi ', 'rou')
    """
    last = _UNFINISHED.search(text)
    return (text[: last.start()], last[0]) if last else (text, "")


def readings_of(text: str, vocabulary: Vocabulary) -> list[str]:
    """The query as typed, then what else it may mean: the catalogue's words, at most three times.

    A complete word that the catalogue lacks is corrected. The last word is read with other accents,
    or, if no word of the catalogue begins with it, with one other letter.

    Args:
        text: The cleaned query.
    """
    before, last = split_unfinished(text)
    before = _corrected(before, vocabulary)
    lasts = _beginnings(last, vocabulary) or [last]
    return list(dict.fromkeys([text, *(before + each for each in lasts)]))[: 1 + _MAX_OTHERS]


def _corrected(text: str, vocabulary: Vocabulary) -> str:
    """The text with the catalogue's words in place of complete words that it lacks."""
    parts, done, tries = [], 0, 0
    for word in words_of(text):
        if word["number"] or word[0].lower() in vocabulary or tries == _MAX_WORDS:
            continue
        tries += 1
        if other := nearest(word[0].lower(), vocabulary):
            parts += [text[done : word.start()], other]
            done = word.end()
    return "".join([*parts, text[done:]])


def _beginnings(last: str, vocabulary: Vocabulary) -> list[str]:
    """The last word as the catalogue's words begin, as typed or in most products first."""
    typed = last.casefold()
    counts = Counter[str]()
    for word in set(vocabulary.beginnings.starting_with(folded(last)) if last else ()):
        counts[word[: len(last)]] += vocabulary.counts[word]
    if not counts and last.isalpha() and len(last) >= _MIN_LETTERS:
        counts = _misspelt(last, vocabulary)
    by_use = [start for start, _ in counts.most_common(_MAX_OTHERS + 1) if start != typed]
    return [last, *by_use] if typed in counts else by_use


def _misspelt(last: str, vocabulary: Vocabulary) -> Counter[str]:
    """Beginnings that differ by a letter, else a whole word that differs by more, and their use."""
    used: dict[str, int] = {}
    for place, word in vocabulary.beginnings.one_letter_off(folded(last)):
        count = vocabulary.counts[word] // (1 if place else _WRONG_FIRST)
        used[word] = max(count, used.get(word, 0))
    counts = Counter[str]()
    for word, count in used.items():
        counts[word[: len(last)]] += count
    if not counts and (other := nearest(last.lower(), vocabulary)):
        counts[other] = 1
    return counts
