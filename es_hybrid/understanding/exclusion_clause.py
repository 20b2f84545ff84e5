"""An exclusion as an Elasticsearch clause.

A product is excluded by its title or category, not by its description, which names much that the
product does not have (`goes well with stripes`). And what it denies does not exclude it:
`Lemonade without sugar` and `zuckerfreie Limonade` are just what `without sugar` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from es_hybrid.understanding.plain import CJK, plain

_Clause = dict[str, Any]

# Before a thing, these deny it.
_DENYING = {
    "en": ("without", "no", "non", "zero", "free of", "free from", "without added", "no added"),
    "de": ("ohne", "kein", "keine", "frei von", "ohne zugesetzten"),
    "fr": ("sans", "zero", "0"),
    "es": ("sin", "cero", "0", "libre de"),
    "it": ("senza", "zero", "privo di"),
    "nl": ("zonder", "geen"),
    "pt": ("sem", "zero"),
    "sv": ("utan", "fri från"),
    "da": ("uden",),
    "no": ("uten",),
    "pl": ("bez",),
    "ru": ("без",),
    "zh": ("不含", "无", "無", "零", "免", "0", "不加", "不带", "没有"),
    "ja": ("無", "ノン", "ノー"),
    "ko": ("무",),
}  # fmt: skip
# After a thing, as words of their own: `sugar-free`, `砂糖不使用`.
_DENYING_AFTER = {
    "en": ("free", "less"),
    "de": ("frei",),
    "nl": ("vrij",),
    "sv": ("fri",),
    "ja": ("なし", "のない", "無し", "不使用", "抜き", "フリー", "ゼロ", "無添加"),
    "ko": ("없는",),
}
# After a thing, in the same word: `sleeveless`, `zuckerfreie`, `シュガーレス`.
_DENYING_ENDINGS = {
    "en": ("less", "free"),
    "de": ("los*", "frei*"),
    "nl": ("loos", "loze", "vrij*"),
    "sv": ("fri*", "lös*"),
    "da": ("fri*", "løs*"),
    "no": ("fri*", "løs*"),
    "ja": ("フリー*", "レス*", "ゼロ*"),
    "ko": ("없는",),
}
# Adjectives that do not begin like their noun.
_RELATED = {
    "rayures": "rayé", "rayure": "rayé", "righe": "rigat", "strepen": "gestreept",
    "punkte": "gepunktet", "blumen": "geblümt", "karos": "kariert",
}  # fmt: skip

# Han and hiragana are separate letters in the index; katakana and Hangul make words.
_SEPARATE = re.compile("[\u3005-\u3007\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff]")
_CJK_LETTER = re.compile(f"[{CJK}]")
# The shortest beginning that finds other forms of a word. `glut` would find glutamate.
_MIN_STEM = 4
_MIN_CJK_STEM = 2
_ENDINGS = ("es", "en", "ed", "as", "os", "ów")
_LETTERS = tuple("senioayu")


def exclusion_clause(words: Sequence[str], *, language: str, fields: Sequence[str]) -> _Clause:
    """The clause that keeps products which do not have these things, as far as they say.

    Args:
        words: `Condition.excluded`.
        language: `Condition.language`.
        fields: Text fields that name a product: title and category.
    """
    return {"bool": {"must_not": [_named(word, language, fields) for word in words]}}


def denial_clause(words: Sequence[str], *, language: str, fields: Sequence[str]) -> _Clause:
    """The clause for products that say they lack these things, to prefer them.

    Args:
        words: `Condition.excluded`.
        language: `Condition.language`.
        fields: Text fields, also the description.
    """
    denied = [clause for word in words for clause in _denied(word, language, fields)]
    return {"bool": {"should": denied, "minimum_should_match": 1}}


def _named(thing: str, language: str, fields: Sequence[str]) -> _Clause:
    """The thing is named in a field, and not denied."""
    named = [_named_in(thing, language, field) for field in fields]
    return {
        "bool": {
            "filter": [{"bool": {"should": named}}],
            "must_not": list(_denied(thing, language, fields)),
        }
    }


def _named_in(thing: str, language: str, field: str) -> _Clause:
    """All words of the thing in one field, each in any of its forms."""
    if _is_phrase(thing):
        return {"match_phrase": {field: thing}}
    words = [
        {"bool": {"should": [{"match": {field: word}}, *_prefixes(word, language, field)]}}
        for word in thing.split()
    ]
    return {"bool": {"filter": words}}


def _prefixes(word: str, language: str, field: str) -> Iterator[_Clause]:
    for stem in _stems(word):
        yield {"prefix": {field: stem}}
        if language in ("de", "nl", "") and len(stem) > _MIN_STEM:
            yield {"prefix": {field: f"ge{stem}"}}  # Streifen: gestreift
    if related := _RELATED.get(plain(word)):
        yield from ({"prefix": {field: form}} for form in _accents(related))


def _denied(thing: str, language: str, fields: Sequence[str]) -> Iterator[_Clause]:
    languages = [language] if language else ["en", "de", "fr", "es", "it", "nl"]
    glue = "" if _is_phrase(thing) else " "
    *first, last = thing.split()
    for tag in languages:
        for before in _DENYING.get(tag, ()):
            for stem in _stems(last) or [last]:
                yield _phrase(glue.join([before, *first, stem]), fields)
        for after in _DENYING_AFTER.get(tag, ()):
            yield from (_phrase(f"{form}{glue}{after}", fields) for form in _numbers(thing))
        for ending in _DENYING_ENDINGS.get(tag, ()) if not first else ():
            for stem in _stems(last) or [last.lower()]:
                yield from ({"wildcard": {field: f"{stem}*{ending}"}} for field in fields)


def _phrase(text: str, fields: Sequence[str]) -> _Clause:
    """The words in this order; the last one may go on."""
    return {"multi_match": {"query": text, "type": "phrase_prefix", "fields": list(fields)}}


def _is_phrase(thing: str) -> bool:
    return bool(_SEPARATE.search(thing))


def _stems(word: str) -> list[str]:
    """How other forms of the word begin, with and without accents; none for a short word.

    >>> _stems("Knöpfe")
    ['knöpf', 'knopf']
    """
    stem = _stem(word.lower())
    shortest = _MIN_CJK_STEM if _CJK_LETTER.match(stem) else _MIN_STEM
    return _accents(stem) if len(stem) >= shortest else []


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > _MIN_STEM:
            return word.removesuffix(ending)
    if word.endswith(_LETTERS) and len(word) > _MIN_STEM:
        return word[:-1]
    return word


def _numbers(thing: str) -> list[str]:
    """The thing as typed and without a plural s: `nuts-free`, `nut-free`."""
    return [thing, thing[:-1]] if thing.endswith("s") else [thing]


def _accents(word: str) -> list[str]:
    return list(dict.fromkeys([word, plain(word)]))
