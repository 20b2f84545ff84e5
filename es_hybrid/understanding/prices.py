"""Prices in a query: `under 50 dollars`, `zwischen 20 und 30 Euro`, `50元以下`.

A number with a currency is a price next to a word that makes it a bound: `$50 gift card` is none. A
number without a currency is a price in two cases, since its unit may be anything:

- after words that speak of nothing but prices: `cheaper than 50`, `Preis bis 100`, `预算500`;
- below a bound of 100 or with cents, where nothing follows that could be a unit: `laptop under 500`.
  Smaller ones are ages, inches and sizes as well: `tv under 55`, `toys under 3`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from es_hybrid.understanding.condition import Condition, Located
from es_hybrid.understanding.money import Amount, amounts
from es_hybrid.understanding.plain import CJK, plain
from es_hybrid.understanding.price_words import (
    AFTER,
    AND,
    ARTICLES,
    BEFORE,
    BETWEEN,
    CHEAPER,
    FROM,
    LEADING,
    NAMES_WITH_CUES,
    NEGATIONS,
    NO_UNIT,
    PRICE,
    SUFFIXES,
    TAILS,
    TO,
)

# Numbers without a currency are no prices below this, unless they have cents.
_LEAST_BARE = 100
# `around 50` is 40 to 60.
_AROUND = 0.2
# Characters next to an amount that are read; the longest phrase has 25.
_REACH = 60
_MAX_WORDS = 5

_WORD = re.compile(rf"[{CJK}]+|(?:(?![{CJK}])[^\W\d_])+|\d+|[^\w\s.:'/\-]")
_NUMERAL = re.compile(r"\d|[一二三四五六七八九十百千万两]+(?:元|块|円)")
_ENDS = re.compile(r" *(?:$|[,;!?)）。，]|\. |\.$)")
_CJK_RUN = re.compile(rf"[{CJK}]+")


class _Cue(NamedTuple):
    """Words that make an amount a bound.

    Attributes:
        of_price: Whether they speak of nothing but prices.
    """

    start: int
    end: int
    operator: str
    of_price: bool


def prices(query: str, *, currencies: Collection[str]) -> Iterator[Located]:
    """The prices in a query, from left to right.

    Args:
        currencies: ISO 4217 codes that the catalogue has.
    """
    if not _NUMERAL.search(query):
        return
    letters = plain(query)
    found = list(amounts(letters))
    done = 0
    for number, amount in enumerate(found):
        if amount.start < done:
            continue
        following = found[number + 1] if number + 1 < len(found) else None
        price = (following and _range(letters, amount, following)) or _bound(letters, amount)
        if price is None:
            continue
        start, end, bounds, signs = price
        start, done = max(start, done), _with_tail(letters, end)
        filters = {"price": bounds} | _currency(signs, currencies)
        text = query[start:done].strip()
        yield Located(start, done, Condition(kind="price", text=text, filters=filters))


_Price = tuple[int, int, dict[str, float], tuple[str, ...]]


def _range(query: str, low: Amount, high: Amount) -> _Price | None:
    """`20 - 30 €`, `between 20 and 30 euros`."""
    if high.start - low.end > _REACH // 2:
        return None
    joint = " ".join(_WORD_OR_DASH.findall(query, low.end, high.start))
    words = _words_before(query, low.start)
    opening = _opening(words)
    if not (joint in TO or (joint in AND and opening and opening[1])):
        return None
    start, between = opening or (low.start, False)
    start, of_price = _leading(query, start)
    signs = high.currencies or low.currencies
    if not signs and not of_price:
        return None
    if low.value > high.value or (opening is None and not _begins_range(query, low)):
        return None
    after = _cue_after(query, high)
    end = after.end if after and after.operator == "lte" else high.end  # `100-200元以内`
    return start, end, {"gte": _short(low.value), "lte": _short(high.value)}, signs


_WORD_OR_DASH = re.compile(rf"{_WORD.pattern}|-")


def _bound(query: str, amount: Amount) -> _Price | None:
    """`under 50 €`, `50 € or less`."""
    before, after = _cue_before(query, amount), _cue_after(query, amount)
    cue = before or after
    if before and after and after.operator == "around":
        cue = before._replace(operator="around")  # `预算5000左右`
    if cue is None or not (amount.currencies or _is_bare_price(query, amount, cue)):
        return None
    if query[amount.end - 1] == "块" and cue.operator == "gte":
        return None  # pieces: `1000块以上拼图`
    end = after.end if after and after.operator[0] == cue.operator[0] else amount.end
    return min(cue.start, amount.start), end, _bounds(cue.operator, amount.value), amount.currencies


def _bounds(operator: str, value: float) -> dict[str, float]:
    if operator == "around":
        return {"gte": _short(value * (1 - _AROUND)), "lte": _short(value * (1 + _AROUND))}
    return {operator: _short(value)}


def _short(value: float) -> float:
    value = round(value, 2)
    return int(value) if value.is_integer() else value


def _is_bare_price(query: str, amount: Amount, cue: _Cue) -> bool:
    """Whether a number without a currency is a price all the same."""
    end = max(amount.end, cue.end)
    word = _WORD.match(query, end + (query[end : end + 1] == " "))
    if not (_ENDS.match(query, end) or (word and _is_no_unit(word[0]))):
        return False
    if query[amount.end - 1] == "k":
        return cue.of_price  # `tv under 4k`
    below = cue.operator == "lt" or (cue.operator == "lte" and cue.end > amount.end)
    cents = not float(amount.value).is_integer()
    return cue.of_price or (below and (amount.value >= _LEAST_BARE or cents))


def _is_no_unit(word: str) -> bool:
    return word in NO_UNIT or word[0] in "的の"


def _words_before(query: str, end: int) -> Sequence[re.Match[str]]:
    start = max(0, end - _REACH)
    words = list(_WORD.finditer(query, start, end))
    # The first one may be half a word.
    return words[1:] if start else words


def _cue_before(query: str, amount: Amount) -> _Cue | None:
    words = _words_before(query, amount.start)
    if not words:
        return None
    found = _longest(words, BEFORE)
    if found is None and words[-1][0] in ARTICLES:
        found = _longest(words[:-1], BEFORE)
    if found is None:
        return None
    start, phrase = found
    preceding = _words_before(query, start)
    last = preceding[-1][0] if preceding else ""
    if last in NEGATIONS or last in NAMES_WITH_CUES.get(phrase, ()):
        return None
    if phrase in ("max", "min", "over") and last.isdecimal():
        return None  # `30 min`, `iPhone 15 max`
    operator = BEFORE[phrase]
    if phrase == "~" and "JPY" in amount.currencies:
        operator = "lte"
    start, of_price = _leading(query, start)
    return _Cue(start, amount.start, operator, of_price or phrase in CHEAPER)


def _longest(words: Sequence[re.Match[str]], phrases: Collection[str]) -> tuple[int, str] | None:
    """Start and text of the longest phrase that ends the words."""
    for count in range(min(_MAX_WORDS, len(words)), 0, -1):
        phrase = " ".join(word[0] for word in words[-count:])
        if phrase in phrases:
            return words[-count].start(), phrase
    # Words in CJK scripts have no space between them.
    last = words[-1] if words else None
    if last and _CJK_RUN.fullmatch(last[0]):
        for length in range(min(_MAX_WORDS, len(last[0])), 0, -1):
            if last[0][-length:] in phrases:
                return last.end() - length, last[0][-length:]
    return None


def _opening(words: Sequence[re.Match[str]]) -> tuple[int, bool] | None:
    """Start of `from` or `between` at the end of the words, and whether it is `between`."""
    if found := _longest(words, BETWEEN | FROM):
        return found[0], found[1] in BETWEEN
    return None


def _leading(query: str, start: int) -> tuple[int, bool]:
    """Start with the words that belong to the phrase before it, and whether they name a price."""
    of_price = False
    for _ in range(_MAX_WORDS):
        found = _longest(_words_before(query, start), LEADING)
        if found is None:
            break
        start, of_price = found[0], of_price or found[1] in PRICE
    return start, of_price


def _cue_after(query: str, amount: Amount) -> _Cue | None:
    start, of_price = _leading(query, amount.start)
    run = _CJK_RUN.match(query, amount.end + (query[amount.end : amount.end + 1] == " "))
    if run:
        for length in range(min(_MAX_WORDS, len(run[0])), 0, -1):
            if operator := SUFFIXES.get(run[0][:length]):
                return _Cue(start, run.start() + length, operator, of_price)
        return None
    words = list(_WORD.finditer(query, amount.end, amount.end + _REACH))
    for count in range(min(_MAX_WORDS, len(words)), 0, -1):
        phrase = " ".join(word[0] for word in words[:count])
        end = words[count - 1].end()
        if phrase in AFTER and (count > 1 or _ENDS.match(query, end)):
            return _Cue(start, end, AFTER[phrase], of_price)
    return None


def _with_tail(query: str, end: int) -> int:
    """End with the words that belong to the phrase after it."""
    for tail in TAILS:
        start = end + (query[end : end + 1] == " ")
        following = query[start + len(tail) : start + len(tail) + 1]
        whole = bool(_CJK_RUN.match(tail)) or not following.isalnum()
        if whole and query.startswith(tail, start):
            return start + len(tail)
    return end


def _begins_range(query: str, amount: Amount) -> bool:
    """Not part of a model number, and no shoe size: `WH-20-30 €`, `EUR 38-40`."""
    before = query[amount.start - 1 : amount.start] if amount.start else ""
    return before not in ("-", "/", "_") and not query.startswith("eur", amount.start)


def _currency(signs: tuple[str, ...], currencies: Collection[str]) -> dict[str, Any]:
    """A filter if the catalogue has several currencies and the sign means exactly one of them."""
    meant = [code for code in signs if code in currencies]
    return {"currency": meant[0]} if len(meant) == 1 and len(currencies) > 1 else {}
