"""Generated queries for a catalogue, and the products that answer them.

There are no human judgements for them, so a product is graded only if its title is clear. For
the query "Dell monitor", a Dell monitor gets 1, a monitor of another brand .3, a monitor stand
0. Unclear products get no grade. Queries that occur among the judged ones, in any spelling, are
left out.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from es_hybrid.evaluation.judgements import read_queries
from training.catalogue import Item, words_of
from training.data import CHORUS
from training.kinds import GENERIC
from training.lexicon import LANGUAGES, Family, Lexicon, Modifier

__all__ = ["LANGUAGE_SHARES", "MadeQuery", "Wanted", "judged_texts", "make_queries", "normal"]

_JUDGED_FILES = ("queries.tsv", "queries.i18n.tsv")
# Chinese words are the farthest from those of the products, most of which are in English.
LANGUAGE_SHARES = (0.25, 0.23, 0.13, 0.13, 0.13, 0.13)
_NARROWED = 7500  # queries for a family and something more
_OF_WORDS = 800  # queries of title words only
_TRANSLITERATED = 0.5  # share of the brands written as their customers do
_WORD = re.compile(r"[^\W_]+")
# Not used in queries of title words.
_FILLERS = frozenset(["a", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a query asks for; an empty field asks for nothing.

    Attributes:
        family: Position of a family.
        kinds: Any of these kinds.
        words: Words of the title, in lower case.
    """

    family: int | None = None
    kinds: frozenset[str] = frozenset()
    brand: str = ""
    modifier: Modifier | None = None
    model: str = ""
    words: frozenset[str] = frozenset()

    def grade(self, item: Item) -> float | None:
        """How well an item answers, 0 to 1; None if unknown."""
        is_thing = self._is_thing(item)
        if not is_thing:
            return None if is_thing is None else 0.0
        grade = 1.0
        if self.brand and self.brand != item.brand:
            if self.family is None and not self.kinds:
                return 0.0
            grade *= 0.3
        if self.modifier and not self.modifier.titles.search(item.title):
            grade *= 0.4
        if self.model and self.model not in words_of(item.title):
            grade *= 0.25
        return grade * self._share_of_words(item)

    def _is_thing(self, item: Item) -> bool | None:
        if self.family is not None and self.family not in item.families:
            return False if item.is_known else None
        if self.kinds and item.kind not in self.kinds:
            return False if item.kind else None
        return True

    def _share_of_words(self, item: Item) -> float:
        """Factor for a query of words; half of the words give much less than half."""
        if not self.words:
            return 1.0
        in_title = len(self.words.intersection(words_of(item.title))) / len(self.words)
        in_text = len(self.words.intersection(words_of(item.text))) / len(self.words)
        return max(in_title**2, 0.8 * in_text**2)


@dataclass(frozen=True, slots=True)
class MadeQuery:
    """A query.

    Attributes:
        english: The query in English; its words find look-alikes in an English catalogue.
    """

    text: str
    language: str
    english: str
    wanted: Wanted = field(repr=False)


def judged_texts() -> frozenset[str]:
    """The judged development queries and their translations, normalised by `normal`."""
    return frozenset(
        normal(query.text) for name in _JUDGED_FILES for query in read_queries(CHORUS / name)
    )


def normal(text: str) -> str:
    """A query without case, plural endings, and spaces or punctuation between words."""
    words = _WORD.findall(text.lower())
    return "".join(w[:-1] if len(w) > 3 and w.endswith("s") else w for w in words)


def make_queries(items: Sequence[Item], lexicon: Lexicon, rng: random.Random) -> list[MadeQuery]:
    """Queries in all languages of the lexicon; the same for the same state of `rng`."""
    maker = _Maker(items, lexicon, rng)
    made = [
        *maker.names(),
        *maker.narrowed(_NARROWED),
        *maker.kinds(),
        *maker.brands(),
        *maker.title_words(_OF_WORDS),
    ]
    judged = judged_texts()
    return [query for query in made if normal(query.text) and normal(query.text) not in judged]


class _Maker:
    """Generates queries for one catalogue."""

    def __init__(self, items: Sequence[Item], lexicon: Lexicon, rng: random.Random) -> None:
        families = lexicon.families
        self._items = items
        self._modifiers = lexicon.modifiers
        self._brands = lexicon.brands
        self._rng = rng
        self._sizes = Counter(family for item in items for family in item.families)
        self._names = [self._all_names(at, family, families) for at, family in enumerate(families)]

    def names(self) -> Iterable[MadeQuery]:
        """Each name of each family; in English singular and plural."""
        for family, names in enumerate(self._names):
            if self._sizes[family] < 2:
                continue
            wanted = Wanted(family=family)
            for language, alternatives in names.items():
                for name in alternatives:
                    english = self._rng.choice(names["en"])
                    yield MadeQuery(self._cased(name), language, english, wanted)
                    if language == "en":
                        other = name.removesuffix("s") if name.endswith("s") else f"{name}s"
                        yield MadeQuery(other, language, name, wanted)

    def narrowed(self, number: int) -> Iterable[MadeQuery]:
        """A family's name with a brand, a property or a model number of one of its products."""
        candidates = [item for item in self._items if item.families]
        # Otherwise one query in three would ask for toner or a cable.
        rarity = [min(self._sizes[f] for f in item.families) ** -0.5 for item in candidates]
        for item in self._rng.choices(candidates, weights=rarity, k=number):
            if query := self._narrowed(item):
                yield query

    def kinds(self) -> Iterable[MadeQuery]:
        """Kinds without a family, by the name in the titles."""
        numbers = Counter(item.kind for item in self._items if item.kind and not item.families)
        for kind, number in numbers.items():
            for name in kind.split("/"):
                if number < 2 or len(name) < 3:
                    continue
                kinds = {one for one in numbers if one == kind or one.endswith(f" {name}")}
                yield MadeQuery(name, "en", name, Wanted(kinds=frozenset(kinds)))

    def brands(self) -> Iterable[MadeQuery]:
        """Brands with at least three products."""
        for brand, number in Counter(item.brand for item in self._items).items():
            if brand and number >= 3:
                for language in ("en", *self._brands.get(brand, ())):
                    written = self._written(brand, language)
                    yield MadeQuery(written, language, brand, Wanted(brand=brand))

    def title_words(self, number: int) -> Iterable[MadeQuery]:
        """One to four consecutive words of a title."""
        for item in self._rng.sample(list(self._items), number):
            words = [word for word in words_of(item.title) if word not in _FILLERS]
            if len(words) < 3:
                continue
            length = self._rng.randint(1, 4)
            start = self._rng.randint(0, max(0, len(words) - length))
            chosen = words[start : start + length]
            text = " ".join(chosen)
            yield MadeQuery(text, "en", text, Wanted(words=frozenset(chosen)))

    def _narrowed(self, item: Item) -> MadeQuery | None:
        rng = self._rng
        language = rng.choices(LANGUAGES, LANGUAGE_SHARES)[0]
        family = rng.choice(sorted(item.families))
        name = rng.choice(self._names[family][language])
        english = rng.choice(self._names[family]["en"])
        having = [one for one in self._modifiers if one.titles.search(item.title)]
        modifier = rng.choice(having) if having and rng.random() < 0.5 else None
        brand = item.brand if rng.random() < (0.55 if modifier else 0.75) else ""
        models = [word for word in words_of(item.title) if len(word) > 3 and _has_digit(word)]
        model = rng.choice(models) if models and not modifier and rng.random() < 0.15 else ""
        if not (brand or modifier or model):
            return None
        if modifier:
            name, english = modifier.of(name, language), modifier.of(english, "en")
        written = self._written(brand, language) if rng.random() < _TRANSLITERATED else brand
        parts = [written, model, name]
        if language in ("fr", "es") and rng.random() < 0.7:
            parts = [name, brand, model]
        text = self._cased(" ".join(filter(None, parts)))
        if language == "en" and rng.random() < 0.08:
            text = self._mistyped(text)
        wanted = Wanted(family=family, brand=brand, modifier=modifier, model=model)
        return MadeQuery(text, language, " ".join(filter(None, (brand, model, english))), wanted)

    def _written(self, brand: str, language: str) -> str:
        return self._brands.get(brand, {}).get(language, brand)

    def _all_names(
        self, at: int, family: Family, families: Sequence[Family]
    ) -> dict[str, tuple[str, ...]]:
        """Names in the lexicon and, in English, names in titles that belong to this family only."""
        own = [
            name
            for kind in sorted(family.kinds - GENERIC)
            if at == min(_with(kind, families), key=lambda other: self._sizes[other])
            for name in kind.split("/")
            if len(name) > 2
        ]
        return {**family.names, "en": tuple(dict.fromkeys((*family.names["en"], *own)))}

    def _cased(self, text: str) -> str:
        return text.lower() if self._rng.random() < 0.5 else text

    def _mistyped(self, text: str) -> str:
        """One letter dropped, or two adjacent letters swapped."""
        at = self._rng.randrange(1, max(2, len(text) - 1))
        if self._rng.random() < 0.5:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


def _with(kind: str, families: Sequence[Family]) -> list[int]:
    return [at for at, family in enumerate(families) if kind in family.kinds]


def _has_digit(word: str) -> bool:
    return any(char.isdigit() for char in word)
