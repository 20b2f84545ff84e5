"""Brands and categories, found by the beginnings of the words of their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

from es_hybrid.understanding.beginnings import Beginnings
from es_hybrid.understanding.plain import UNSPACED, is_unspaced, plain
from es_hybrid.understanding.product_values import FieldValues

NamedField = Literal["brand", "category"]

_FIELDS: tuple[NamedField, ...] = ("brand", "category")
_PARENT = " > "
# Letters of a word that are looked at, in a script without spaces: it may begin at each of them.
_MAX_RUN = 40
_WORD = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")


class NamedValue(NamedTuple):
    """A brand or a category.

    Attributes:
        name: The words of its name in plain letters, between spaces; of a path only the last part,
            because its parents are categories of their own.
        spellings: As products have it, with other capitals or accents; the most used one first.
        products: Number of products that have it.
    """

    field: NamedField
    name: str
    spellings: tuple[str, ...]
    products: int

    def has_word(self, word: str) -> bool:
        """Whether the name has this word, in plain letters."""
        return (word if is_unspaced(word) else f" {word} ") in f" {self.name} "


def named_values(values: FieldValues) -> Beginnings[NamedValue]:
    """Brands and categories by the beginnings of all words of their names.

    Args:
        values: As in `Vocabulary`.
    """
    return Beginnings(
        (start, value)
        for field in _FIELDS
        for value in _named(field, values)
        for start in _starts(value.name)
    )


def words_in(text: str) -> Iterator[re.Match[str]]:
    """The words of a text in plain letters; a run of a script without spaces counts as one."""
    return _WORD.finditer(plain(text))


def name_words(text: str) -> list[str]:
    """As `words_in`, without their places."""
    return [word[0] for word in words_in(text)]


def _named(field: NamedField, values: FieldValues) -> Iterator[NamedValue]:
    same = defaultdict[str, list[tuple[int, str]]](list)
    for value, count in values.get(field, {}).items():
        same[plain(value)].append((count, value))
    for counted in same.values():
        counted.sort(reverse=True)
        spellings = tuple(value for _, value in counted)
        name = " ".join(name_words(spellings[0].rpartition(_PARENT)[2]))
        yield NamedValue(field, name, spellings, sum(count for count, _ in counted))


def _starts(name: str) -> Iterator[str]:
    for word in name.split():
        if is_unspaced(word):
            yield from (word[at:_MAX_RUN] for at in range(min(len(word), _MAX_RUN)))
        else:
            yield word
