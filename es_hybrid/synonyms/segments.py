"""The words and phrases of a title that may have a synonym."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from es_hybrid.understanding.common_words import is_common
from es_hybrid.understanding.plain import is_unspaced
from es_hybrid.understanding.synonym_rules import TOKEN

# Power of ten of the uses of `with`, `für` and `de` in a billion words.
_FUNCTION_WORD = 6.0
# Signs of a script without spaces that may be a word; a single one never is.
_MAX_SIGNS = 8
_GAPS = (" ", "-")


class Segment(NamedTuple):
    """Words of a text.

    Attributes:
        text: In lower case.
        start: Number of the first word, or sign of an unspaced script, in the text.
        end: Number of the word after the last.
    """

    text: str
    start: int
    end: int

    def overlaps(self, other: Segment) -> bool:
        """Whether they share a word of the text."""
        return self.start < other.end and other.start < self.end


def segments_of(text: str, language: str) -> list[Segment]:
    """Words, phrases of two words, and runs of two to eight signs of an unspaced script.

    Function words are none, but may be between two words: `chaise de bureau`. What has digits is
    none, nor is the word after a number, a unit or what is counted.

    Args:
        language: Two letters; empty if unknown.
    """
    text = text.lower()
    tokens = list(TOKEN.finditer(text))
    return [
        Segment(text[tokens[start].start() : tokens[end - 1].end()], start, end)
        for start, end in _spans(text, tokens, language)
    ]


def _spans(text: str, tokens: Sequence[re.Match[str]], language: str) -> Iterator[tuple[int, int]]:
    unspaced = [is_unspaced(token[0]) for token in tokens]
    small = [is_common(token[0], language, least=_FUNCTION_WORD) for token in tokens]
    words = [
        not (unspaced[at] or small[at] or (at and tokens[at - 1][0].isdigit()))
        and token[0].isalpha()
        and len(token[0]) > 1
        for at, token in enumerate(tokens)
    ]
    # Whether a token continues what the one before it begins.
    joined = [False] + [
        text[one.end() : two.start()] == "" if both else text[one.end() : two.start()] in _GAPS
        for one, two, both in zip(tokens, tokens[1:], unspaced, strict=False)
    ]
    for at in range(len(tokens)):
        if unspaced[at]:
            end = at + 1
            while end < len(tokens) and end - at < _MAX_SIGNS and unspaced[end] and joined[end]:
                end += 1
                yield at, end
        elif words[at]:
            yield at, at + 1
            last = at + 1
            if last < len(tokens) - 1 and small[last] and joined[last]:
                last += 1
            if last < len(tokens) and words[last] and joined[last]:
                yield at, last + 1
