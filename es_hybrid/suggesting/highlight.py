"""Which part of a suggestion was typed."""

from __future__ import annotations

import html
from collections.abc import Iterable

from es_hybrid.understanding.named_values import name_words, words_in
from es_hybrid.understanding.plain import is_unspaced


class Highlighter:
    """Marks the typed words in texts, ignoring case and accents.

    Args:
        readings: What was typed, and what else it may mean; the last word of each is unfinished.
    """

    def __init__(self, readings: Iterable[str]) -> None:
        typed = [words for reading in readings if (words := name_words(reading))]
        self._complete = {word for *words, _ in typed for word in words}
        begun = {words[-1] for words in typed}
        # Of those that begin alike the longest.
        self._begun = sorted(begun, key=len, reverse=True)
        self._unspaced = sorted(filter(is_unspaced, self._complete | begun), key=len, reverse=True)

    def html_of(self, text: str) -> str:
        """The text as HTML, escaped, with what was typed inside `<em>`."""
        parts, done = [], 0
        for word in words_in(text):
            at, length = self._typed_in(word[0])
            if length:
                start = word.start() + at
                end = start + length
                parts += [html.escape(text[done:start]), f"<em>{html.escape(text[start:end])}</em>"]
                done = end
        return "".join([*parts, html.escape(text[done:])])

    def _typed_in(self, word: str) -> tuple[int, int]:
        """Start and length of what was typed in a word."""
        if is_unspaced(word):
            found = ((word.find(typed), len(typed)) for typed in self._unspaced)
            return next(((at, length) for at, length in found if at >= 0), (0, 0))
        if word in self._complete:
            return 0, len(word)
        return 0, next((len(typed) for typed in self._begun if word.startswith(typed)), 0)
