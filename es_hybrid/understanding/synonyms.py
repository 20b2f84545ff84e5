"""A query in the words of its synonyms: one text for the vectors, several for the lexical leg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from operator import ne
from typing import NamedTuple

from es_hybrid.understanding.plain import UNSPACED_LANGUAGES, is_unspaced
from es_hybrid.understanding.synonym_rules import (
    SynonymMatch,
    SynonymRule,
    phrase_key,
)
from es_hybrid.understanding.vocabulary import Vocabulary, words_of

# Other words for one phrase, and further texts of a query: each is a query of the lexical leg.
_MAX_OTHERS, _MAX_FORMS = 5, 8
# Texts to choose them from.
_MAX_TEXTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Synonym:
    """Words of a query that a rule has other words for.

    Attributes:
        text: The words in the query: `couch`.
        searched: What is searched for them. The vectors and the reranker get the first. The words
            themselves are among them, unless they are replaced.
    """

    text: str
    searched: tuple[str, ...]


class Rewritten(NamedTuple):
    """A query after its synonyms.

    Attributes:
        text: What to search for.
        forms: Other texts for the lexical leg; at most eight.
        synonyms: What was applied.
    """

    text: str
    forms: tuple[str, ...] = ()
    synonyms: tuple[Synonym, ...] = ()


def rewritten(text: str, matches: Sequence[SynonymMatch], vocabulary: Vocabulary) -> Rewritten:
    """Apply rules to a query.

    A phrase that is not replaced stays as it is in `text`, unless the catalogue lacks it and knows
    another.
    """
    places: list[tuple[SynonymMatch, str, list[str]]] = []
    for match in matches:
        own = text[match.start : match.end]
        if (words := _choices(own, match.rules, vocabulary)) != [own]:
            places.append((match, own, words))
    if not places:
        return Rewritten(text)
    spots = [match for match, _, _ in places]
    choices = [words for _, _, words in places]
    first = [words[0] for words in choices]

    def changes(chosen: Sequence[str]) -> int:
        return sum(map(ne, first, chosen))

    combined = sorted(islice(product(*choices), _MAX_TEXTS), key=changes)
    texts = list(dict.fromkeys(_put(text, spots, words) for words in combined))
    applied = [Synonym(text=own, searched=tuple(words)) for _, own, words in places]
    return Rewritten(texts[0], tuple(texts[1 : _MAX_FORMS + 1]), tuple(applied))


def _choices(own: str, rules: Sequence[SynonymRule], vocabulary: Vocabulary) -> list[str]:
    """What to search for a phrase, the best for the vectors first."""
    words = {phrase_key(word): word for rule in rules for word in rule.words}
    kept = words.pop(phrase_key(own), None)
    # What the catalogue lacks finds nothing.
    others = sorted(words.values(), key=lambda word: not _is_known(word, vocabulary))[:_MAX_OTHERS]
    if kept is None:
        return others
    if _is_known(own, vocabulary):
        return [own, *others]
    if _is_known(kept, vocabulary):  # with accents that were not typed
        return [kept, *others]
    if others and _is_known(others[0], vocabulary):
        return [others[0], own, *others[1:]]
    return [own, *others]


def _is_known(phrase: str, vocabulary: Vocabulary) -> bool:
    """Whether the catalogue uses these words, as far as can be said."""
    if any(map(is_unspaced, phrase)):
        return not vocabulary.languages.isdisjoint(UNSPACED_LANGUAGES)
    return all(word["letters"].lower() in vocabulary for word in words_of(phrase))


def _put(text: str, matches: Sequence[SynonymMatch], words: Sequence[str]) -> str:
    """The text with these words in place of the matches."""
    parts, done = "", 0
    for match, word in zip(matches, words, strict=True):
        parts = _joined(parts + text[done : match.start], word)
        done = match.end
    return _joined(parts, text[done:])


def _joined(one: str, two: str) -> str:
    """Both texts; a space separates `红色` and `sofa`, which replaces unspaced words."""
    edges = one[-1:], two[:1]
    apart = all(map(str.isalnum, edges)) and len(set(map(is_unspaced, edges))) > 1
    return f"{one} {two}" if apart else one + two
