"""Training groups of all trades.

A catalogue teaches a reranker its own trade only. A group asks for a thing of WordNet in one
language and answers with made-up products in several: the thing, kinds of it, its kin, products
that only mention it, and things that the sentence encoder takes for it.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.groups import Group
from training.lexicon import LANGUAGES, Lexicon, Modifier
from training.queries import LANGUAGE_SHARES, judged_texts, normal
from training.wordnet import KIN, PARENT, Encoder, Thing, Things

__all__ = ["make_things"]

_LARGEST = 80  # kinds of a thing that a query may ask for
_NEAREST, _ANY = 40, 60  # candidates for bad products: near or mentioning, and drawn at random
_BAD = 14  # products of a group
_FROM_SOLD = 0.75  # share of the queries for what most shops sell
_BY_GLOSS, _MODIFIED = 0.35, 0.3  # shares of the queries
_MEASURED, _FRAMED = 0.4, 0.25  # shares of the properties, and of the queries
_WITHOUT = 0.4  # grade of a product without the property
_SHORT = ("bdfgklmnprstvz", "aeiou") * 2  # letters of a made-up brand
_LONG = ("bdfgklmnprstvz", "aeiou") * 3
_BRACKETS = re.compile(r"\([^)]*\)")
_WORD = re.compile(r"[^\W\d_]{3,}")


def make_things(
    number: int, things: Things, lexicon: Lexicon, encoder: Encoder, rng: random.Random
) -> list[Group]:
    """At most `number` groups; the same for the same state of `rng`.

    Args:
        encoder: Finds things that are near a query.
    """
    maker = _Maker(things, lexicon, encoder, rng)
    judged = judged_texts()
    groups = (maker.group() for _ in range(number))
    return [group for group in groups if group and normal(group.query) not in judged]


class _Maker:
    """Makes groups at random."""

    def __init__(
        self, things: Things, lexicon: Lexicon, encoder: Encoder, rng: random.Random
    ) -> None:
        self._things = things
        self._lexicon = lexicon
        self._rng = rng
        self._ids = sorted(things)
        self._asked = {language: self._of_language(language) for language in LANGUAGES}
        self._vectors: NDArray[np.float32] = encoder([things[id_].english for id_ in self._ids])
        self._encoder = encoder
        self._mentions: dict[str, list[str]] = defaultdict(list)
        for thing in things.values():
            for word in {word.lower() for word in _WORD.findall(thing.english)}:
                self._mentions[word].append(thing.id)

    def group(self) -> Group | None:
        """A query and its products; None if too few are unlike it."""
        rng, things = self._rng, self._things
        language = rng.choices(LANGUAGES, LANGUAGE_SHARES)[0]
        every, sold = self._asked[language]
        asked = things[rng.choice(sold if sold and rng.random() < _FROM_SOLD else every)]
        name = rng.choice(asked.names[language])
        modifier = None
        if language == "en" and rng.random() < _BY_GLOSS:
            name = self._clause(asked) or name
        elif rng.random() < _MODIFIED:
            modifier = self._modifier()
        kinds = things.below(asked.id)
        answers = [asked.id] * 4 + rng.sample(kinds, min(6, len(kinds)))
        spoken = [self._language(things[id_], language) for id_ in answers]
        good = [
            (self._product(things[id_], of, modifier), 1.0)
            for id_, of in zip(answers, spoken, strict=True)
        ]
        middling = self._products(self._kin(asked), spoken, (modifier,), 5)
        if modifier:
            others = (None, self._modifier(modifier))
            middling += self._products([(id_, _WITHOUT) for id_ in answers], spoken, others, 3)
        unlike = [(id_, 0.0) for id_ in self._unlike(asked, name)]
        bad = self._products(unlike, spoken, (None, modifier), _BAD)
        if len(bad) < 3:
            return None
        query = modifier.of(name, language) if modifier else name
        if rng.random() < _FRAMED:
            query = rng.choice(self._lexicon.frames[language]).format(query)
        return Group(
            query=query.lower() if rng.random() < 0.5 else query,
            language=language,
            good=tuple(good),
            middling=tuple(middling),
            bad=tuple(bad),
        )

    def _of_language(self, language: str) -> tuple[list[str], list[str]]:
        """Ids of the things that a query may ask for, and of those that shops sell."""
        things = self._things
        every = [
            id_
            for id_ in self._ids
            if language in things[id_].names and len(things.below(id_)) <= _LARGEST
        ]
        return every, [id_ for id_ in every if id_ in things.sold]

    def _modifier(self, unlike: Modifier | None = None) -> Modifier:
        """A property or a size, another than the given one."""
        rng, lexicon = self._rng, self._lexicon
        while True:
            measured = rng.random() < _MEASURED
            found = (
                rng.choice(lexicon.measures).drawn(rng)
                if measured
                else rng.choice(lexicon.modifiers)
            )
            if unlike is None or found.words != unlike.words:
                return found

    def _language(self, thing: Thing, asked: str) -> str:
        spoken = [language for language in LANGUAGES if language in thing.names]
        weights = [3 if one == "en" else 2 if one == asked else 1 for one in spoken]
        return self._rng.choices(spoken, weights)[0]

    def _products(
        self,
        graded: Sequence[tuple[str, float]],
        languages: Sequence[str],
        modifiers: Sequence[Modifier | None],
        number: int,
    ) -> list[tuple[str, float]]:
        """Products of some of the things, in the languages of the good ones.

        More things have a name in English than in another language. If each product had any
        language of its thing, most bad ones would be English, and a model would learn that.
        """
        left, found = list(graded), []
        for _ in range(number):
            language = self._rng.choice(languages)
            for pair in left:
                if language in self._things[pair[0]].names:
                    left.remove(pair)
                    thing, modifier = self._things[pair[0]], self._rng.choice(modifiers)
                    found.append((self._product(thing, language, modifier), pair[1]))
                    break
        return found

    def _kin(self, asked: Thing) -> list[tuple[str, float]]:
        """What it is a kind of, and other kinds of the same, shuffled."""
        found = {parent: PARENT for parent in asked.parents if parent in self._things}
        for parent in asked.parents:
            for one in self._things.kinds.get(parent, ()):
                if one != asked.id:
                    found.setdefault(one, KIN)
        return self._rng.sample(sorted(found.items()), len(found))

    def _unlike(self, asked: Thing, name: str) -> list[str]:
        """Things that mention it, things near it in the encoder, and any, shuffled."""
        rng = self._rng
        head = max(_WORD.findall(rng.choice(asked.names["en"])), key=len, default="").lower()
        mentioning = self._mentions.get(head, [])
        order = np.argsort(-(self._vectors @ self._encoder([name])[0]), kind="stable")
        near = [self._ids[at] for at in order[:_NEAREST]]
        hard = dict.fromkeys([*rng.sample(mentioning, min(_NEAREST, len(mentioning))), *near])
        easy = rng.sample(self._ids, min(_ANY, len(self._ids)))
        mixed = [*hard, *easy[: len(hard) // 3]]
        rng.shuffle(mixed)
        mixed += easy
        return [id_ for id_ in dict.fromkeys(mixed) if self._things.grade(asked.id, id_) == 0.0]

    def _product(self, thing: Thing, language: str, modifier: Modifier | None) -> str:
        """A made-up product: title, category and, in English, what it is."""
        rng, things = self._rng, self._things
        title = rng.choice(thing.names[language])
        if modifier:
            title = modifier.of(title, language)
        elif rng.random() < 0.3:
            title = self._modifier().of(title, language)
        if rng.random() < 0.5:
            title = f"{_brand(rng)} {title}"
        if rng.random() < 0.25:
            title = f"{title} {_model(rng)}"
        parts = [title[0].upper() + title[1:]]
        parents = [things[one] for one in thing.parents if one in things]
        categories = [one.names[language][0] for one in parents if language in one.names]
        if categories and rng.random() < 0.6:
            parts.append(rng.choice(categories))
        if language == "en" and rng.random() < 0.7:
            parts.append(thing.gloss)
        return ". ".join(parts)

    def _clause(self, thing: Thing) -> str:
        """What it is, without saying its name: up to seven words."""
        own = {word.lower() for name in thing.names["en"] for word in _WORD.findall(name)}
        words = _BRACKETS.sub("", thing.gloss.split(";")[0]).split()
        words = [word for word in words if word.lower().strip(",.") not in own]
        start = self._rng.randint(0, max(0, len(words) - 4))
        return " ".join(words[start : start + self._rng.randint(3, 7)]).strip(" ,.")


def _brand(rng: random.Random) -> str:
    letters = (rng.choice(one) for one in rng.choice((_SHORT, _LONG)))
    return "".join(letters).capitalize() + rng.choice(("", "n", "x", "r"))


def _model(rng: random.Random) -> str:
    return f"{rng.choice('ABCDEGHKLMPRSTVX')}{rng.choice('ABDGKMX')}{rng.randint(10, 9999)}"
