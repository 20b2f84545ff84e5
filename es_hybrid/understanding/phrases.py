"""What a query says besides its words: prices, exclusions, and values of the catalogue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

from es_hybrid.understanding.condition import Condition, Located
from es_hybrid.understanding.exclusions import exclusions
from es_hybrid.understanding.plain import plain
from es_hybrid.understanding.prices import prices
from es_hybrid.understanding.sizes import sizes
from es_hybrid.understanding.vocabulary import Vocabulary

# What a phrase leaves at its edges: `shoes ()`, `shoes,`.
_EMPTY_BRACKETS = re.compile(r"[(\[（] ?[)\]）]")
_COMMAS = re.compile(r" ?([,;，、])(?: ?[,;，、])*")
_LONE_STOP = re.compile(r" [.!?]+$")
_LEFT_OVER = " ,;:/|-–，；、。"


def split_conditions(
    text: str, *, currencies: Collection[str], ignore: Collection[str] = (), priced: bool = True
) -> tuple[str, tuple[Condition, ...]]:
    """The words to search for, and the conditions that were stated with them.

    >>> split_conditions("shirt without stripes under 50 dollars", currencies=())[0]
    'shirt'

    Args:
        text: The query, not blank; takes time linear in its length.
        currencies: ISO 4217 codes that the catalogue has.
        ignore: Phrases that stay plain search words; `Condition.text` of an earlier answer.
        priced: Whether products have prices; prices stay plain search words otherwise.

    Returns:
        The remaining words, not blank: if the conditions are all there is, the whole text.
    """
    query = text if text.isascii() else unicodedata.normalize("NFC", text)
    ignored = {_key(phrase) for phrase in ignore}
    found = list(_kept(prices(query, currencies=currencies), ignored)) if priced else []
    # A price ends what is excluded.
    rest = _blanked(query, found, "|")
    found += _kept(exclusions(rest), ignored)
    if found and not _tidy(_blanked(query, found)):
        # `不含糖` alone searches for what is called so.
        found = [each for each in found if each.condition.kind == "price"]
    if not found:
        return text, ()
    found.sort(key=lambda each: each.start)
    words = _tidy(_blanked(query, found))
    return words or text, tuple(each.condition for each in found)


def values_named(
    text: str, vocabulary: Vocabulary, *, ignore: Collection[str] = ()
) -> tuple[Condition, ...]:
    """The catalogue's values that a query names, in its order.

    Args:
        text: The words that are searched; they all remain.
        ignore: As for `split_conditions`.
    """
    ignored = {_key(phrase) for phrase in ignore}
    found = [*vocabulary.names.conditions(text), *sizes(text, vocabulary.values)]
    kept = sorted(_kept(found, ignored), key=lambda each: each.start)
    return tuple(each.condition for each in kept)


def _kept(found: Iterable[Located], ignored: Collection[str]) -> Iterator[Located]:
    return (each for each in found if _key(each.condition.text) not in ignored)


def _key(phrase: str) -> str:
    return " ".join(plain(phrase).split())


def _blanked(query: str, found: Iterable[Located], sign: str = " ") -> str:
    """The query with a sign and spaces in place of the phrases."""
    for each in found:
        blank = sign.ljust(each.end - each.start)
        query = query[: each.start] + blank + query[each.end :]
    return query


def _tidy(words: str) -> str:
    """Without the brackets and commas that a phrase leaves."""
    words = _LONE_STOP.sub("", _EMPTY_BRACKETS.sub(" ", " ".join(words.split())))
    return _COMMAS.sub(r"\1", " ".join(words.split())).strip(_LEFT_OVER)
