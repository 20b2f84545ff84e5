"""Exclusions in a query: `without stripes`, `ohne Kragen und Knöpfe`, `不含糖`, `-striped`.

Only the unmistakable ones. They stay plain search words where they

- begin the query: `sans gluten`, `无糖可乐` and `Sin City` search for what is called so,
- name a feature: `sans fil` is wireless, `without drilling` a way of mounting,
- are part of prose: a product description used as a query is no list of wishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from es_hybrid.understanding.condition import Condition, Located
from es_hybrid.understanding.exclusion_words import (
    AFTER_COMMA,
    BEFORE_WITHOUT,
    BOUNDARIES,
    DETERMINERS,
    FIRST_WORDS,
    LISTING,
    MID_SENTENCE,
    MODIFIERS,
    NEW_THOUGHT,
    NO_MINUS_AFTER,
    NO_VERBS,
    PRODUCT_WORDS,
    PRONOUNS,
    STATES,
    VERB_ENDINGS,
    VERBS,
    WITHOUT,
)
from es_hybrid.understanding.plain import CJK, plain

# Words of one unwanted thing: `added palm oil`.
_MAX_WORDS = 3
# Words of the longest phrase that excludes: `not containing`, `ne contenant pas de`.
_MAX_PHRASE = 4
# More words are a description, not a query.
_MAX_QUERY_WORDS = 25

_TOKEN = re.compile(rf"w/o(?![^\W_])|[^\W_{CJK}]+(?:-[^\W_{CJK}]+)*|[^\w\s'.]|[{CJK}]+")
_CJK_LETTER = re.compile(f"[{CJK}]")
_PROSE = re.compile(r"[.;!?] +[A-ZÀ-ÞЀ-Я]|[。！？；].|[.。]\s*$")
_MINUS = re.compile(
    rf"(?<=\s)-(?P<thing>(?:[a-zß-ÿœšžа-я]{{3}}|[{CJK}]{{2}})[^\W\d_]*(?:-[^\W_]+)*)(?!\S)"
)

_EDGE = r"(?=$|[\s,，、。;；!！|])"
_CHINESE = re.compile(
    rf"(?<![有要带含加])(?P<without>不含|不要|不带|没有|不加|不帶|沒有|除了)\ ?"
    rf"(?P<things>[{CJK}a-z]{{1,12}}?)(?:以外的?|之外的?|的(?!$)|{_EDGE})"
)
_CHINESE_LIST = re.compile("[和或及与、]")
_JAPANESE = re.compile(
    rf"(?:^|(?<=[\s、,のは]))(?P<things>[ァ-ヴー]{{2,12}}|[一-鿿]{{1,4}}|[a-z]{{3,15}})"
    rf"(?P<without>[はが]?(?:なし|無し|不使用|抜き|以外)(?:の|で|{_EDGE})|[のが](?:ない|無い))"
)
# Pears.
_JAPANESE_NAMES = frozenset(["洋", "和", "西洋"])
_KOREAN = re.compile(
    r"(?:^|(?<=\s))(?P<things>[가-힣]{1,8}?)(?:이|가)? ?(?P<without>없는|제외)(?!\S)"
)


def exclusions(query: str) -> Iterator[Located]:
    """The exclusions in a query, from left to right."""
    if _PROSE.search(query) or query.count(" ") >= _MAX_QUERY_WORDS:
        return
    letters = plain(query)
    found = [*_in_words(query, letters), *_by_minus(query, letters), *_in_cjk(query, letters)]
    yield from sorted(found, key=lambda each: each.start)


class _Word(NamedTuple):
    start: int
    end: int
    text: str

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum()


def _in_words(query: str, letters: str) -> Iterator[Located]:
    found = list(_TOKEN.finditer(letters))
    if FIRST_WORDS.isdisjoint(match[0] for match in found):
        return
    words = [_Word(*match.span(), match[0]) for match in found]
    number = 1  # what begins the query excludes nothing
    while number < len(words):
        phrase = _excluding(words, number)
        if phrase is None:
            number += 1
            continue
        language, after = phrase
        things, end = _things(query, words, after, language)
        if not things or _is_product_word(words, number):
            number = after
            continue
        first = number
        while first > 1 and words[first - 1].text in BEFORE_WITHOUT:
            first -= 1
        yield _located(
            query, words[first].start, words[end - 1].end, language,
            [query[words[a].start : words[b - 1].end] for a, b in things],
        )  # fmt: skip
        number = end


def _excluding(words: Sequence[_Word], number: int) -> tuple[str, int] | None:
    """Language of the phrase that excludes and begins here, and number of the word after it."""
    if words[number].text not in FIRST_WORDS:
        return None
    previous = words[number - 1].text
    if words[number].text == "utan" and previous == "orang":
        return None
    for count in range(min(_MAX_PHRASE, len(words) - number), 0, -1):
        phrase = " ".join(word.text for word in words[number : number + count])
        language = WITHOUT.get(phrase)
        if language is None and (previous in (",", "，", "(") or phrase in MID_SENTENCE):
            language = AFTER_COMMA.get(phrase)
        if language is None and phrase == "no" and _is_plural(words, number + 1):
            language = "en"
        if language is None and phrase == "not" and _is_last_participle(words, number + 1):
            language = "en"
        if language:
            return language, number + count
    return None


def _is_plural(words: Sequence[_Word], number: int) -> bool:
    """Whether the thing after `no` is an English plural: `shirt no stripes`, not `no name`."""
    text = words[number].text if number < len(words) else ""
    return len(text) > 4 and text.endswith("s") and not text.endswith(("ss", "us", "is"))


def _is_last_participle(words: Sequence[_Word], number: int) -> bool:
    """`shirt not striped`."""
    last = words[number].text if number == len(words) - 1 else ""
    return last.endswith("ed") and last not in STATES


def _things(
    query: str, words: Sequence[_Word], number: int, language: str
) -> tuple[list[tuple[int, int]], int]:
    """First and last + 1 word of each thing in a list, and number of the word after the list."""
    things: list[tuple[int, int]] = []
    end = number
    while True:
        thing = _thing(query, words, number, language)
        if thing is None:
            return things, end
        things.append(thing)
        end = number = thing[1]
        following = [word.text for word in words[number : number + 3]]
        in_list = following[:1] == [","] and following[2:] and following[2] in LISTING
        if not (in_list or (following and following[0] in LISTING)):
            return things, end
        number += 1


def _thing(
    query: str, words: Sequence[_Word], number: int, language: str
) -> tuple[int, int] | None:
    while number < len(words) and words[number].text in DETERMINERS:
        number += 1
    run: list[_Word] = []
    for word in words[number:]:
        ends = not word.is_word or word.text in BOUNDARIES or word.text in LISTING
        if ends or any(map(str.isdigit, word.text)) or (run and word.text in NEW_THOUGHT):
            break
        run.append(word)
        if len(run) > _MAX_WORDS:
            break
    if not run or len(run[0].text) < 2 or _is_no_thing(run[0].text, language):
        return None
    return number, number + _length(query, run, language)


def _is_no_thing(word: str, language: str) -> bool:
    verb = len(word) > 4 and word.endswith(VERB_ENDINGS.get(language, ())) and word not in NO_VERBS
    return verb or word in VERBS or word in PRONOUNS or word in WITHOUT


def _length(query: str, run: Sequence[_Word], language: str) -> int:
    """Number of words of the thing that begins a run of words without a boundary."""
    count = 1
    while count < min(_MAX_WORDS, len(run)) and run[count - 1].text in MODIFIERS:
        count += 1
    if count == len(run) or len(run) > _MAX_WORDS:
        return count
    last, following = run[count - 1], run[count]
    if language == "en" and last.text.endswith("s"):
        return count
    if language in ("fr", "es", "pt") and last.text.endswith("s") != following.text.endswith("s"):
        return count  # an adjective agrees with its noun
    if query[last.start].isupper() and not query[following.start].isupper():
        return count  # a German noun
    return len(run) if len(run) <= 2 else count


def _is_product_word(words: Sequence[_Word], number: int) -> bool:
    return " ".join(word.text for word in words[number : number + 2]) in PRODUCT_WORDS


def _by_minus(query: str, letters: str) -> Iterator[Located]:
    """`shirt -striped`, as search engines have it.

    Only a hyphen before small letters: titles separate by dashes, `Sony XM5 -Black`.
    """
    for match in _MINUS.finditer(query):
        previous = letters[: match.start()].split()[-1:]
        if previous and _is_word_before_minus(previous[0]):
            yield _located(query, *match.span(), "", [match["thing"]])


def _is_word_before_minus(word: str) -> bool:
    return len(word) > 2 and word not in NO_MINUS_AFTER and any(map(str.isalpha, word))


def _in_cjk(query: str, letters: str) -> Iterator[Located]:
    if not _CJK_LETTER.search(letters):
        return
    for match in _CHINESE.finditer(letters):
        if match["without"] == "没有" and match.start() == 0 and not match[0].endswith("的"):
            continue  # a sentence: `没有人 T恤`
        things = list(filter(None, _CHINESE_LIST.split(match["things"])))
        yield _located(query, *match.span(), "zh", things)
    for match in _JAPANESE.finditer(letters):
        if match["things"] not in _JAPANESE_NAMES:
            yield _located(query, *match.span(), "ja", [match["things"]])
    for match in _KOREAN.finditer(letters):
        yield _located(query, *match.span(), "ko", [match["things"]])


def _located(query: str, start: int, end: int, language: str, things: Sequence[str]) -> Located:
    text = query[start:end].strip()
    condition = Condition(kind="without", text=text, excluded=tuple(things), language=language)
    return Located(start, end, condition)
