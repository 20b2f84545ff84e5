r"""Rules for words that mean the same, in Solr's format, and where a query has such words.

A line of a file is one of these:

    sofa, couch                     each of them finds the other as well
    tv => television                television is searched in place of tv
    notebook => notebook, laptop    laptop is searched as well
    [de]                            the rules below are for queries in German; `[*]`: for all
    # comment

`\,` and `\=>` are the signs themselves. Case, accents and punctuation do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import SettingsError
from es_hybrid.language import normalize_tag
from es_hybrid.understanding.identifiers import identifier_of
from es_hybrid.understanding.plain import UNSPACED, is_unspaced
from es_hybrid.understanding.vocabulary import folded, written_out

# Signs that are part of a word although they are no letters: Hebrew, Arabic and Indic vowels.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff"
# A word, or one sign of a script without spaces.
TOKEN = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[\w{_MARKS}])+")
_SECTION = re.compile(r"\[([^\]]*)\]")
_ARROW, _COMMA, _ESCAPED = (re.compile(each) for each in (r"(?<!\\)=>", r"(?<!\\),", r"\\(.)"))
# Rules of a file, phrases of a rule, words or unspaced signs of a phrase.
_MAX_RULES, _MAX_PHRASES, _MAX_TOKENS = 50_000, 100, 20
# Places of a query where rules apply.
_MAX_PLACES = 8
# Han characters alone are Chinese or Japanese.
_HAN = frozenset(["ja", "zh"])

PhraseKey = tuple[str, ...]


class SynonymRule(NamedTuple):
    """What to search for a phrase.

    Attributes:
        language: Of the queries, two letters; empty for any.
        words: As in the rule. The phrase itself is one of them, unless it is replaced.
    """

    language: str
    words: tuple[str, ...]


class SynonymMatch(NamedTuple):
    """Characters `start` to `end` of a query, and the rules for them."""

    start: int
    end: int
    rules: tuple[SynonymRule, ...]


def phrase_key(text: str) -> PhraseKey:
    """The words of a phrase in lower case without accents: what is compared."""
    if text.isascii():
        return tuple(TOKEN.findall(text.lower()))
    return tuple(map(_folded, TOKEN.findall(text)))


class SynonymRules:
    """The rules by the phrases that they are for.

    Attributes:
        languages: The languages that some rules are limited to, two letters each.
    """

    def __init__(self, by_phrase: Mapping[PhraseKey, Sequence[SynonymRule]]) -> None:
        rules = set(chain.from_iterable(by_phrase.values()))
        searched = {phrase for rule in rules for phrase in rule.words}
        self.languages = frozenset(rule.language for rule in rules if rule.language)
        self._by_phrase = by_phrase
        # Every word of every phrase.
        self._words = frozenset(chain(*by_phrase, *map(phrase_key, searched)))
        # First word of a phrase -> numbers of words of such phrases, the longest first.
        self._lengths: dict[str, list[int]] = {}
        for word, length in sorted({(key[0], len(key)) for key in by_phrase}, reverse=True):
            self._lengths.setdefault(word, []).append(length)

    def __bool__(self) -> bool:
        return bool(self._by_phrase)

    def __or__(self, other: SynonymRules) -> SynonymRules:
        """The rules of both."""
        phrases = self._by_phrase.keys() | other._by_phrase.keys()
        sides = (self._by_phrase, other._by_phrase)
        return SynonymRules(
            {key: [r for side in sides for r in side.get(key, ())] for key in phrases}
        )

    def mention(self, text: str) -> bool:
        """Whether this is a word or a phrase of a rule, on either side."""
        key = phrase_key(text)
        return key in self._by_phrase or (len(key) == 1 and key[0] in self._words)

    def find(self, text: str, language: str = "") -> list[SynonymMatch]:
        """The phrases in a text, from left to right, of several at one place the longest.

        Not found: phrases inside a trade number, and a single Chinese, Japanese or Thai sign inside
        a word.

        Args:
            text: Cleaned. Only the first eight phrases are found.
            language: Of the text, two letters; empty if unknown: then every rule applies.
        """
        tokens = list(TOKEN.finditer(text))
        keys = [_folded(token[0]) for token in tokens]
        found: list[SynonymMatch] = []
        at = 0
        while at < len(keys) and len(found) < _MAX_PLACES:
            step = 1
            for length, rules in self._starting(keys, at, language):
                place = tokens[at].start(), tokens[at + length - 1].end()
                if _is_phrase(text, *place):
                    found.append(SynonymMatch(*place, rules))
                    step = length
                    break
            at += step
        return found

    def _starting(
        self, keys: Sequence[str], at: int, language: str
    ) -> Iterator[tuple[int, tuple[SynonymRule, ...]]]:
        """The phrases that start at a word, the longest first: number of words, and rules."""
        for length in self._lengths.get(keys[at], ()):
            rules = self._by_phrase.get(tuple(keys[at : at + length]), ())
            if spoken := tuple(rule for rule in rules if _speaks(rule.language, language)):
                yield min(length, len(keys) - at), spoken


NO_SYNONYMS = SynonymRules({})


def parse_synonyms(lines: Sequence[str], *, place: str) -> SynonymRules:
    """The rules in these lines.

    Args:
        place: Name of the file, for messages.

    Raises:
        SettingsError: a line is no rule, or there are more than 50,000.
    """
    found: dict[PhraseKey, list[SynonymRule]] = {}
    language, count = "", 0
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        where = f"{place}:{number}"
        if section := _SECTION.fullmatch(line):
            language = _language(section[1].strip(), where)
            continue
        count += 1
        if count > _MAX_RULES:
            raise SettingsError(
                f"more than {_MAX_RULES:,} rules", place=where, remedy="remove some"
            )
        phrases, words = _rule(line, where)
        rule = SynonymRule(language, words)
        for key in {key for phrase in phrases for key in _spellings(phrase)}:
            found.setdefault(key, []).append(rule)
    return SynonymRules(found)


def _rule(line: str, where: str) -> tuple[Sequence[str], tuple[str, ...]]:
    """The phrases that a rule is for, and what is searched for each."""
    sides = [tuple(_phrases(side, where)) for side in _ARROW.split(line)]
    if len(sides) > 2:
        raise SettingsError(
            "more than one =>", place=where, remedy=r"write each rule on a line of its own"
        )
    return sides[0], sides[-1]


def _phrases(side: str, where: str) -> Iterator[str]:
    phrases = [clean_query(_ESCAPED.sub(r"\1", phrase)) for phrase in _COMMA.split(side)]
    if len(phrases) > _MAX_PHRASES:
        raise SettingsError(
            f"more than {_MAX_PHRASES} phrases", place=where, remedy="split the rule"
        )
    for phrase in phrases:
        length = len(phrase_key(phrase))
        if not length:
            raise SettingsError(
                f"no word in {phrase!r}" if phrase else "a phrase is missing",
                place=where,
                remedy="write phrases on both sides of each comma and =>, as in `sofa, couch`",
            )
        if length > _MAX_TOKENS:
            raise SettingsError(
                f"a phrase of more than {_MAX_TOKENS} words", place=where, remedy="shorten it"
            )
        yield phrase


def _language(name: str, where: str) -> str:
    if name == "*":
        return ""
    try:
        return normalize_tag(name).partition("-")[0]
    except ValueError:
        raise SettingsError(
            f"[{name}] is no language",
            place=where,
            remedy="write a tag such as [de], or [*] for all languages",
        ) from None


def _spellings(phrase: str) -> set[PhraseKey]:
    """The keys of a phrase: `Mütze` is typed as `mutze` or `muetze`, too."""
    key = phrase_key(phrase)
    return {key} if phrase.isascii() else {key, phrase_key(written_out(phrase))}


def _folded(token: str) -> str:
    """Signs of unspaced scripts keep their marks: they tell words apart."""
    return token if is_unspaced(token) else folded(token)


def _speaks(rule: str, query: str) -> bool:
    """Whether a rule of a language may be for a query in another; either may be unknown."""
    return not rule or not query or rule == query or {rule, query} == _HAN


def _is_phrase(text: str, start: int, end: int) -> bool:
    """Whether these characters are words of their own."""
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    if end - start == 1 and is_unspaced(text[start]) and any(map(is_unspaced, around)):
        return False
    first = text.rfind(" ", 0, start) + 1
    last = text.find(" ", end)
    larger = {text, text[first : last if last >= 0 else None]} - {text[start:end]}
    return not any(map(identifier_of, larger))
