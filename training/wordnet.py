"""Things that shops sell, from WordNet, with their names in other languages.

WordNet says what each is and which is a kind of which; Open Multilingual Wordnet names them in
further languages (docs/data.md).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import WORDNET

__all__ = ["KIN", "PARENT", "Encoder", "Thing", "Things", "read_things"]

# Texts -> `[n, width]` float32, each of length 1.
Encoder = Callable[[Sequence[str]], NDArray[np.float32]]

KIN, PARENT = 0.2, 0.4  # grades of another kind of the same, and of what a thing is a kind of
# Lexicographer files: things made, food, substances.
_FILES = frozenset(["06", "13", "27"])
_TRANSLATIONS = {
    "zh": ("wikt-cmn", "cldr-cmn", "data-cmn"),
    "ja": ("wikt-jpn", "cldr-jpn"),
    "de": ("wikt-deu", "cldr-deu"),
    "fr": ("wikt-fra", "cldr-fra", "data-fra"),
    "es": ("wikt-spa", "cldr-spa"),
}
_SIMILAR = 0.4  # least cosine of a translation and the English name
# What most shops sell is a kind of one of these, and none of the others.
_SOLD = frozenset([
    "adornment", "bedclothes", "beverage", "bread", "cheese", "cleansing agent", "clothing",
    "condiment", "container", "curtain", "device", "equipment", "fabric", "furniture",
    "home appliance", "implement", "jewelry", "lamp", "machine", "meat", "mirror",
    "musical instrument", "paper", "pillow", "plaything", "rug", "tableware", "timepiece",
    "toiletry", "utensil", "vegetable",
])  # fmt: skip
_UNSOLD = frozenset(["military vehicle", "weapon", "weaponry"])
_QUOTED = re.compile(r'[;:]?\s*"[^"]*"')


@dataclass(frozen=True)
class Thing:
    """A synset.

    Attributes:
        names: Language -> names, the most common first; English always.
        parents: Ids of what it is a kind of.
        gloss: What it is, in English.
    """

    id: str
    names: Mapping[str, Sequence[str]]
    parents: Sequence[str]
    gloss: str

    @cached_property
    def english(self) -> str:
        """Its name and what it is."""
        return f"{', '.join(self.names['en'])}. {self.gloss}"


class Things(dict[str, Thing]):
    """Id -> thing."""

    @cached_property
    def kinds(self) -> Mapping[str, Sequence[str]]:
        """Id -> ids of its direct kinds."""
        kinds = defaultdict(list)
        for thing in self.values():
            for parent in thing.parents:
                kinds[parent].append(thing.id)
        return kinds

    @cached_property
    def sold(self) -> frozenset[str]:
        """Ids of what most shops sell."""
        return self._named(_SOLD) - self._named(_UNSOLD)

    def _named(self, names: frozenset[str]) -> frozenset[str]:
        """Ids of the things with any of the names, and of all kinds of them."""
        roots = [thing.id for thing in self.values() if names.intersection(thing.names["en"])]
        return frozenset(id_ for root in roots for id_ in (root, *self.below(root)))

    def above(self, id_: str) -> dict[str, int]:
        """Everything that it is a kind of, with the steps to it."""
        found: dict[str, int] = {}
        todo = [(id_, 0)]
        while todo:
            one, steps = todo.pop()
            for parent in self[one].parents if one in self else ():
                if parent in self and parent not in found:
                    found[parent] = steps + 1
                    todo.append((parent, steps + 1))
        return found

    def below(self, id_: str) -> list[str]:
        """Everything that is a kind of it."""
        found: dict[str, None] = {}
        todo = list(self.kinds.get(id_, ()))
        while todo:
            one = todo.pop()
            if one not in found:
                found[one] = None
                todo += self.kinds.get(one, ())
        return list(found)

    def grade(self, asked: str, answer: str) -> float | None:
        """How well a thing answers a query for another, 0 to 1; None if unknown."""
        if asked == answer:
            return 1.0
        above_asked, above_answer = self.above(asked), self.above(answer)
        if asked in above_answer:
            return 1.0
        if answer in above_asked:
            return PARENT if above_asked[answer] == 1 else KIN
        if set(self[asked].parents) & set(self[answer].parents):
            return KIN
        same = {name.lower() for name in self[asked].names["en"]}
        if same & {name.lower() for name in self[answer].names["en"]}:
            return None
        return 0.0


def read_things(encoder: Encoder, folder: Path = WORDNET) -> Things:
    """Things with a name in English and their names in other languages.

    Args:
        encoder: Translations that it finds unlike the English name are dropped.
    """
    ranks = _ranks(folder / "index.noun")
    foreign = _translations(folder)
    things = Things()
    pairs = []
    for id_, file, words, parents, gloss in _synsets(folder / "data.noun"):
        names = [word for word in words if ranks.get(word.lower(), id_) == id_]
        if file not in _FILES or not names or any(word[0].isupper() for word in words):
            continue
        things[id_] = Thing(id_, {"en": names}, parents, gloss)
        for language, others in foreign.get(id_, {}).items():
            pairs += [(id_, language, other) for other in dict.fromkeys(others)]
    english = encoder([things[id_].names["en"][0] for id_, _, _ in pairs])
    alike = np.einsum("nw,nw->n", english, encoder([name for _, _, name in pairs]))
    kept: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (id_, language, name), cosine in zip(pairs, alike, strict=True):
        if cosine >= _SIMILAR:
            kept[id_][language].append(name)
    for id_, names_of in kept.items():
        thing = things[id_]
        things[id_] = Thing(id_, {**thing.names, **names_of}, thing.parents, thing.gloss)
    return things


def _synsets(path: Path) -> Iterator[tuple[str, str, list[str], list[str], str]]:
    """Id, lexicographer file, words, ids of hypernyms, gloss (wndb(5WN))."""
    for line in path.open(encoding="utf-8"):
        if line.startswith("  "):
            continue
        head, gloss = line.split("|", 1)
        fields = head.split()
        count = int(fields[3], 16)
        words = [word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
        pointers = fields[5 + 2 * count :]
        parents = [pointers[at + 1] for at in range(0, len(pointers) - 3, 4) if pointers[at] == "@"]
        yield fields[0], fields[1], words, parents, _QUOTED.sub("", gloss).strip()


def _ranks(path: Path) -> dict[str, str]:
    """Word -> the synset of its most common sense."""
    ranks = {}
    for line in path.open(encoding="utf-8"):
        if not line.startswith("  "):
            fields = line.split()
            ranks[fields[0].replace("_", " ")] = fields[6 + int(fields[3])]
    return ranks


def _translations(folder: Path) -> Mapping[str, Mapping[str, list[str]]]:
    """Id -> language -> names."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for language, files in _TRANSLATIONS.items():
        for name in files:
            for line in (folder / f"wn-{name}.tab").open(encoding="utf-8"):
                fields = line.rstrip("\n").split("\t")
                if fields[0].endswith("-n") and fields[1].endswith("lemma"):
                    found[fields[0][:-2]][language].append(fields[2].replace("_", " "))
    return found
