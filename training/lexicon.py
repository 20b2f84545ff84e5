"""Names of things in six languages: lexicon/families.tsv and lexicon/modifiers.tsv.

Written by hand for this project, from general knowledge of the languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.kinds import GENERIC

__all__ = ["LANGUAGES", "Family", "Modifier", "read_families", "read_modifiers"]

LANGUAGES = ("en", "zh", "ja", "de", "fr", "es")
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
    """A property that narrows a name: a colour, `wireless`, `portable`.

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


def read_families() -> list[Family]:
    """Read lines of kinds separated by `;`, a pattern, and names per language separated by `|`."""
    found = []
    for kinds, titles, *names in _rows("families.tsv"):
        found.append(
            Family(
                kinds=frozenset(filter(None, kinds.split(";"))),
                titles=re.compile(titles) if titles else None,
                names={
                    language: tuple(column.split("|"))
                    for language, column in zip(LANGUAGES, names, strict=True)
                },
            )
        )
    return found


def read_modifiers() -> list[Modifier]:
    """Read lines of a pattern and one word per language."""
    return [
        Modifier(re.compile(titles), dict(zip(LANGUAGES, words, strict=True)))
        for titles, *words in _rows("modifiers.tsv")
    ]


def _rows(name: str) -> list[list[str]]:
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]
