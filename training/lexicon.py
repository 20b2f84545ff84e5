"""How shoppers word things in six languages: the tables of lexicon/.

Written by hand for this project, from general knowledge of the languages.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.kinds import GENERIC

__all__ = ["LANGUAGES", "Family", "Lexicon", "Measure", "Modifier", "read_lexicon"]

LANGUAGES = ("en", "zh", "ja", "de", "fr", "es")
_COMMA = ("de", "fr", "es")
_FOLDER = Path(__file__).parent / "lexicon"


@dataclass(frozen=True, slots=True)
class Family:
    """Things that shoppers call by the same name.

    Attributes:
        kinds: Kinds (see `training.kinds`) that belong to it.
        titles: Pattern in the titles of products with an unknown or generic kind.
        names: Language -> names, the most common first.
    """

    kinds: frozenset[str]
    titles: re.Pattern[str] | None
    names: Mapping[str, tuple[str, ...]]

    def holds(self, kind: str, title: str) -> bool:
        """Whether a product with this kind and title, both in lower case, belongs to it."""
        if kind and kind not in GENERIC:
            return kind in self.kinds
        return self.titles is not None and self.titles.search(title) is not None


@dataclass(frozen=True, slots=True)
class Modifier:
    """A property that narrows a name: a colour, `wireless`, `1.7 L`.

    Attributes:
        titles: Pattern in the titles of products with the property.
        words: Language -> word.
    """

    titles: re.Pattern[str]
    words: Mapping[str, str]

    def of(self, name: str, language: str) -> str:
        """The name with the property, in the word order of the language."""
        word = self.words[language]
        if language in ("zh", "ja"):
            return word + name
        return f"{name} {word}" if language in ("fr", "es") else f"{word} {name}"


@dataclass(frozen=True, slots=True)
class Measure:
    """Sizes in one unit.

    Attributes:
        low, high, step: The numbers that shops sell.
        words: Language -> how a number is written, with `{}` for it.
    """

    low: float
    high: float
    step: float
    words: Mapping[str, str]

    def drawn(self, rng: random.Random) -> Modifier:
        """One of the sizes, as a property."""
        number = self.low + self.step * rng.randrange(round((self.high - self.low) / self.step) + 1)
        written = f"{number:.1f}".removesuffix(".0")
        words = {
            # A decimal comma in German, French and Spanish.
            language: form.format(written.replace(".", ",") if language in _COMMA else written)
            for language, form in self.words.items()
        }
        return Modifier(re.compile(re.escape(words["en"])), words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The tables.

    Attributes:
        frames: Language -> sentences around a thing, with `{}` for it.
        brands: Brand in lower case -> language -> how its customers write it.
    """

    families: Sequence[Family]
    modifiers: Sequence[Modifier]
    measures: Sequence[Measure]
    frames: Mapping[str, Sequence[str]]
    brands: Mapping[str, Mapping[str, str]]


def read_lexicon() -> Lexicon:
    """Read all tables. A cell of families.tsv holds kinds between `;`, or names between `|`."""
    frames = zip(*_rows("frames.tsv"), strict=True)
    return Lexicon(
        families=[_family(*row) for row in _rows("families.tsv")],
        modifiers=[
            Modifier(re.compile(titles), _by_language(words))
            for titles, *words in _rows("modifiers.tsv")
        ],
        measures=[
            Measure(float(low), float(high), float(step), _by_language(words))
            for low, high, step, *words in _rows("measures.tsv")
        ],
        frames=dict(zip(LANGUAGES, frames, strict=True)),
        brands={brand: {"zh": zh, "ja": ja} for brand, zh, ja in _rows("brands.tsv")},
    )


def _family(kinds: str, titles: str, *names: str) -> Family:
    return Family(
        kinds=frozenset(filter(None, kinds.split(";"))),
        titles=re.compile(titles) if titles else None,
        names={one: tuple(cell.split("|")) for one, cell in _by_language(names).items()},
    )


def _by_language(cells: Sequence[str]) -> dict[str, str]:
    return dict(zip(LANGUAGES, cells, strict=True))


def _rows(name: str) -> list[list[str]]:
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]
