"""Brands, categories and colours of the catalogue that a query names.

They are no filters: `hp ink` may be any maker's ink for HP printers, and a black case may say so in
its title alone. The longest name counts, ignoring case and accents. These stay plain search words:

- a brand or colour whose words mostly mean something else in this catalogue: `gold` connectors
- a word with two meanings: a colour that is a brand as well
- a category that is not what the query is for: `camera` in `camera case`, `bag for camera`
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from es_hybrid.understanding.colour_words import BASIC_COLOURS, inflected
from es_hybrid.understanding.condition import Condition, Located
from es_hybrid.understanding.exclusion_words import BOUNDARIES, NEW_THOUGHT
from es_hybrid.understanding.plain import CJK, plain
from es_hybrid.understanding.product_values import FieldValues, attribute_kind

_Kind = Literal["brand", "category", "colour"]
# The words of a name, in plain letters.
_Name = tuple[str, ...]

# Katakana and Hangul make words; of Han and Hiragana each sign is one.
_WORD = re.compile(rf"[ァ-ヴー]+|[가-힣]+|[{CJK}]|[^\W_{CJK}]+")
# `Black,Silver`, `Noir / Blanc`.
_BETWEEN_COLOURS = re.compile(r"[,;/&+、，|]")
# More words are a description, not a query.
_MAX_WORDS = 30
# Share of the products with these words that must have the value.
_LEAST_SHARE = {"brand": 0.6, "colour": 0.25, "category": 0.0}
# A colour's word in another language is used by this many times fewer products than its own.
_FOREIGN = 50
# Values of a field that a name means, as a rule those of most products.
_MAX_VALUES = 100
# An attribute with the value in fewer products than this share of the leading one is about a part:
# `backlight_colour`.
_LEAST_FIELD = 0.05
# Letters of a name, of a colour whose adjectives have endings, of a plural, and of the first word
# of a brand that is enough for all of it: `Seagate` Technology.
_MIN_LETTERS, _MIN_COLOUR, _MIN_PLURAL, _MIN_FIRST = 2, 3, 4, 4
# After these a query no longer names what it is for.
_AFTER_HEAD = (BOUNDARIES | frozenset(("de", "d", "du", "des", "della"))) - NEW_THOUGHT


class _Meant(NamedTuple):
    """What a name means."""

    kind: _Kind
    values: Mapping[str, tuple[str, ...]]


class ValueNames:
    """The names of a catalogue's values.

    Args:
        values: `Vocabulary.values`.
        counts: Word -> number of products that use it.
        languages: Two-letter tags.
    """

    def __init__(
        self, values: FieldValues, counts: Mapping[str, int], languages: Collection[str]
    ) -> None:
        self._names = dict(_names(values, counts))
        colours = {name: meant for name, meant in self._names.items() if meant.kind == "colour"}
        for name, meant in _translated(colours, counts):
            if name in colours or name not in self._names:
                self._names[name] = meant
        for name, meant in _inflected(colours, languages):
            self._names.setdefault(name, meant)
        # First word -> words of the longest name that begins with it.
        self._longest: dict[str, int] = {}
        for name in self._names:
            self._longest[name[0]] = max(len(name), self._longest.get(name[0], 0))

    def conditions(self, query: str) -> Iterator[Located]:
        """The brands, categories and colours in a query, from left to right."""
        if not self._names:
            return
        letters = plain(query)
        places = [match.span() for match in _WORD.finditer(letters)]
        if len(places) > _MAX_WORDS:
            return
        words = [_word(letters[start:end]) for start, end in places]
        found = list(self._found(words))
        head = _end_of_head(words, [each for each in found if each[2].kind != "category"])
        for first, end, (kind, values) in found:
            if kind != "category" or end == head:
                start, stop = places[first][0], places[end - 1][1]
                text = query[start:stop]
                condition = Condition(kind=kind, text=text, effect="boost", values=values)
                yield Located(start, stop, condition)

    def _found(self, words: Sequence[str]) -> Iterator[tuple[int, int, _Meant]]:
        """Number of the first word, of the word after it, and meaning of each name."""
        first = 0
        while first < len(words):
            longest = self._longest.get(words[first]) or self._longest.get(
                words[first].removesuffix("s"), 0
            )
            for end in range(min(first + longest, len(words)), first, -1):
                name = tuple(words[first:end])
                if meant := self._names.get(name) or self._names.get(_of_any_number(name)):
                    yield first, end, meant
                    first = end - 1
                    break
            first += 1


def _end_of_head(words: Sequence[str], others: Sequence[tuple[int, int, _Meant]]) -> int:
    """The number of the word after what the query is for.

    Args:
        others: Names that may follow it, as persons may: `running shoes nike women`.
    """
    end = next((at for at, word in enumerate(words) if at and word in _AFTER_HEAD), len(words))
    before = {after: first for first, after, _ in others}
    while end and (end in before or words[end - 1] in NEW_THOUGHT):
        end = before.get(end, end - 1)
    return end


def _names(values: FieldValues, counts: Mapping[str, int]) -> Iterator[tuple[_Name, _Meant]]:
    """The names with one meaning."""
    found: dict[_Name, list[_Meant]] = defaultdict(list)
    for kind in ("brand", "category", "colour"):
        called: dict[_Name, dict[str, dict[str, int]]] = {}
        for field in (field for field in values if _kind_of(field) == kind):
            for value, products in values[field].items():
                for name in _called(value, kind):
                    called.setdefault(name, {}).setdefault(field, {})[value] = products
        if kind == "colour":
            _add_shades(called)
        for name, fields in called.items():
            if meant := _meant(kind, fields, _used(name, counts)):
                found[name].append(meant)
    return ((name, meanings[0]) for name, meanings in found.items() if len(meanings) == 1)


def _add_shades(called: Mapping[_Name, dict[str, dict[str, int]]]) -> None:
    """What is `light grey` or `matte black` is grey or black as well."""
    for name in [name for name in called if len(name) > 1]:
        for word in name:
            if (word,) in called:
                for field, products in called[name].items():
                    called[(word,)].setdefault(field, {}).update(products)


def _kind_of(field: str) -> str | None:
    return field if field in ("brand", "category") else attribute_kind(field)


def _called(value: str, kind: _Kind) -> Iterator[_Name]:
    """What shoppers call a value."""
    parts = _BETWEEN_COLOURS.split(value) if kind == "colour" else [value.rpartition(" > ")[2]]
    for part in parts:
        name = _name(plain(part))
        if len("".join(name)) < _MIN_LETTERS or "".join(name).isdigit():
            continue
        yield _of_any_number(name) if kind == "category" else name
        if kind == "brand" and len(name) > 1 and len(name[0]) >= _MIN_FIRST:
            yield name[:1]


def _meant(kind: _Kind, fields: Mapping[str, Mapping[str, int]], used: int) -> _Meant | None:
    """What a name means; None if it mostly means something else.

    Args:
        fields: Field -> value -> number of products.
        used: Number of products with the words of the name.
    """
    totals = {field: sum(products.values()) for field, products in fields.items()}
    if sum(totals.values()) < used * _LEAST_SHARE[kind]:
        return None
    least = max(totals.values()) * _LEAST_FIELD
    values = {
        field: tuple(islice(products, _MAX_VALUES))
        for field, products in sorted(fields.items(), key=lambda each: -totals[each[0]])
        if totals[field] >= least
    }
    return _Meant(kind, values)


def _name(letters: str) -> _Name:
    return tuple(map(_word, _WORD.findall(letters)))


def _word(letters: str) -> str:
    return letters.replace("ß", "ss")


def _of_any_number(name: _Name) -> _Name:
    """`kettles` and `kettle` are one."""
    *first, last = name
    return (*first, last.removesuffix("s") if len(last) >= _MIN_PLURAL else last)


def _used(name: _Name, counts: Mapping[str, int]) -> int:
    """Number of products that use the rarest word of a name; 0 if one is no word: `2-Power`."""
    return min(counts.get(word, 0) for word in name)


def _translated(
    colours: Mapping[_Name, _Meant], counts: Mapping[str, int]
) -> Iterator[tuple[_Name, _Meant]]:
    """The words for the catalogue's basic colours in all languages.

    Not those that it uses for something else: `red` is Spanish for a network.
    """
    for words in BASIC_COLOURS:
        names = [_name(word) for word in sorted(words)]
        meanings = [colours[name] for name in names if name in colours]
        most = max((_used(name, counts) for name in names if name in colours), default=0)
        if meanings:
            fields = dict.fromkeys(field for meant in meanings for field in meant.values)
            values = {
                field: tuple(
                    dict.fromkeys(v for meant in meanings for v in meant.values.get(field, ()))
                )
                for field in fields
            }
            for name in names:
                if name in colours or _used(name, counts) * _FOREIGN <= most:
                    yield name, _Meant("colour", values)


def _inflected(
    colours: Mapping[_Name, _Meant], languages: Collection[str]
) -> Iterator[tuple[_Name, _Meant]]:
    """The other forms of the catalogue's own colours."""
    for name, meant in colours.items():
        if len(name) == 1 and len(name[0]) >= _MIN_COLOUR:
            for language in languages:
                yield from (((form,), meant) for form in inflected(name[0], language))
