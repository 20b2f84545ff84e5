"""Made sets of queries with misspelt, joined and split words; seeded."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from es_hybrid.evaluation.judgements import Query
from es_hybrid.understanding.vocabulary import words_of

# Letters of a word that is misspelt, as in ../shared/design/SHOP-SEARCH.md.
_MIN_LETTERS = 5
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


class Misspelt(NamedTuple):
    """A query with a mistake.

    Attributes:
        id: Id of the query without it.
    """

    id: str
    text: str


def misspelt(
    queries: Sequence[Query], known: Collection[str], *, count: int, seed: int
) -> list[Misspelt]:
    """Queries with one wrong letter in one word that the catalogue uses, in random order.

    Args:
        known: The catalogue's words, in lower case. A mistake that makes one of them is none.
        count: At most so many, and at most one of each query and word.
    """
    rng = random.Random(seed)
    places = [
        (query, word)
        for query in queries
        for word in words_of(query.text)
        if len(word[0]) >= _MIN_LETTERS and word["number"] is None and word[0].lower() in known
    ]
    rng.shuffle(places)
    found = []
    for query, word in places:
        wrong = _edited(word[0], rng)
        if wrong.lower() not in known:
            text = query.text[: word.start()] + wrong + query.text[word.end() :]
            found.append(Misspelt(query.id, text))
    return found[:count]


def _edited(word: str, rng: random.Random) -> str:
    """One letter left out, added, replaced, or swapped with the next; not the first one."""
    at = rng.randrange(1, len(word) - 1)
    letter = rng.choice(_letters(word))
    return rng.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )


def _letters(word: str) -> str:
    if re.search("[\u0400-\u04ff]", word):
        return _CYRILLIC
    return _ARABIC if re.search("[\u0600-\u06ff]", word) else string.ascii_lowercase


class Joined(NamedTuple):
    """Words joined, split or hyphenated.

    Attributes:
        wanted: Ids of the products whose titles have the words as they should be.
    """

    text: str
    wanted: frozenset[str]


def joined(
    titles: Mapping[str, str], known: Mapping[str, int], *, count: int, seed: int
) -> list[Joined]:
    """Pairs of words of titles written as one word, and words written as two or with a hyphen.

    Args:
        titles: Product id -> title.
        known: The catalogue's words, in lower case, and how many products use each.
    """
    rng = random.Random(seed)
    ids = sorted(titles)
    rng.shuffle(ids)
    made: dict[str, Joined] = {}
    for id_ in ids:
        for text, right in _forms(titles[id_], known):
            if text not in made and len(made) < count:
                made[text] = Joined(text, _containing(right, titles))
                break
    return [each for each in made.values() if 0 < len(each.wanted) <= 100]


def _forms(title: str, known: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """A wrong form and the right one."""
    words = [word[0].lower() for word in words_of(title) if word["number"] is None]
    for one, two in pairwise(words):
        if (
            min(len(one), len(two)) >= 3
            and one + two not in known
            and f"{one} {two}" in title.lower()
        ):
            yield one + two, f"{one} {two}"
    for word in words:
        for at in range(3, len(word) - 2):
            if len(word) >= 8 and known.get(word[:at], 0) and known.get(word[at:], 0):
                yield f"{word[:at]} {word[at:]}", word
                yield f"{word[:at]}-{word[at:]}", word


def _containing(words: str, titles: Mapping[str, str]) -> frozenset[str]:
    pattern = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)
    return frozenset(id_ for id_, title in titles.items() if pattern.search(title))
