"""Other forms of the words of a query, for the lexical leg: it takes them for other words.

    number       `headphone` also finds `headphones`, where the index has no stemmer to do so
    compounds    `Schraube` also finds `Terrassenschrauben`, and that `Schrauben für Terrassen`

German, Dutch and the Nordic languages write compounds as one word. The catalogue's own words say
which there are; no dictionary is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from es_hybrid.understanding.common_words import COMPOUNDING, is_common, is_common_in
from es_hybrid.understanding.vocabulary import Vocabulary, words_of, written_out

# What tells singular and plural apart.
_NUMBER_ENDINGS = {
    "da": ("er", "e"),
    "de": ("e", "en", "n", "s"),
    "en": ("s", "es"),
    "es": ("s", "es"),
    "fr": ("s", "x"),
    "nl": ("en", "s"),
    "no": ("er", "e"),
    "pt": ("s", "es"),
    "sv": ("ar", "er", "or"),
}
_MIN_STEM = 4

# Letters of a word that may be part of a compound. `ring` is the end of many other words.
_MIN_PART = 5
# Letters of the other part.
_MIN_REST = 3
# Endings that a word may have as the end of a compound, and that join two parts.
_ENDINGS = ("", "n", "en", "e", "s", "er")
_JOINTS = ("", "s", "n", "en", "e", "es", "er")
# Powers of ten of a word's uses in a billion words: those of a common word, of one that belongs to
# a language although English has it, such as `Kinder`, and of one that names no product: `einen`.
_COMMON, _COMMON_HERE, _NO_NAME = 3.0, 4.5, 5.0
# Compounds of a word that are searched, those in most products first, and forms of a query in all.
_MAX_COMPOUNDS = 4
_MAX_FORMS = 6


def may_have_forms(text: str, vocabulary: Vocabulary) -> bool:
    """Whether `query_forms` may find any.

    Takes microseconds; to find them takes half a second for the first time in a process.
    """
    if not vocabulary.counts:
        return False
    compounding = not vocabulary.languages.isdisjoint(COMPOUNDING)
    return compounding or any(word[0].lower() not in vocabulary for word in words_of(text))


def query_forms(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The query with another form of one of its words; at most six.

    Args:
        text: The cleaned query.
    """
    forms: dict[str, None] = {}
    for word in words_of(text):
        if word["number"] is None and len(forms) < _MAX_FORMS:
            for other in _forms(word[0], vocabulary):
                forms[text[: word.start()] + other + text[word.end() :]] = None
    return tuple(forms)[:_MAX_FORMS]


def _forms(word: str, vocabulary: Vocabulary) -> Iterator[str]:
    if word.lower() not in vocabulary:
        yield from _other_number(word.lower(), vocabulary)
    compounding = vocabulary.languages & COMPOUNDING
    if compounding and _may_join(word.lower(), compounding):
        yield from _parts(word.lower(), vocabulary)
        yield from _compounds(word, vocabulary)


def _other_number(word: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The singular or plural that the catalogue uses."""
    if len(word) < _MIN_STEM or is_common_in(vocabulary.languages, word, least=_NO_NAME):
        return
    languages = vocabulary.languages & _NUMBER_ENDINGS.keys()
    endings = {ending for language in languages for ending in _NUMBER_ENDINGS[language]}
    shorter = {word.removesuffix(end) for end in endings if len(word) - len(end) >= _MIN_STEM}
    known = [form for form in {word + end for end in endings} | shorter if form in vocabulary]
    if known:
        yield max(known, key=lambda form: (vocabulary.counts[form], form))


def _may_join(word: str, languages: frozenset[str]) -> bool:
    """Whether it is long enough, and not English: `phone` has no compounds but other words."""
    return len(word) >= _MIN_PART and (
        not is_common(word, "en", least=_COMMON)
        or is_common_in(languages, word, least=_COMMON_HERE)
    )


def _compounds(word: str, vocabulary: Vocabulary) -> list[str]:
    """The most used words that end with this one, in any of its forms."""
    plain = written_out(word)
    stems = {plain, *(plain[: -len(ending)] for ending in _ENDINGS[1:] if plain.endswith(ending))}
    found = {
        compound
        for stem in stems
        if len(stem) >= _MIN_PART
        for ending in _ENDINGS
        for compound in vocabulary.ending_with(stem + ending)
        if len(compound) >= len(stem) + _MIN_REST
    }
    return sorted(found, key=lambda each: (-vocabulary.counts[each], each))[:_MAX_COMPOUNDS]


def _parts(word: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The two words that make up this one, if the catalogue uses both: at most one pair."""
    counts = vocabulary.counts
    pairs = []
    for place in range(_MIN_PART - 1, len(word) - _MIN_PART + 2):
        end = word[place:]
        for joint in _JOINTS:
            start = word[:place].removesuffix(joint) if joint else word[:place]
            if len(start) >= _MIN_PART - 1 and word[:place] == start + joint:
                used = min(counts.get(start, 0), counts.get(end, 0))
                pairs.append((used, f"{start} {end}"))
    used, pair = max(pairs, default=(0, ""))
    if used:
        yield pair
