"""Prices in a query: `under 50 dollars`, `zwischen 20 und 30 Euro`, `50元以下`.

A number with a currency is a price next to a word that makes it a bound; `$50 gift card`
names a product. A number without a currency is a price in two cases, since its unit may be
anything:

- after words that speak of nothing but prices: `cheaper than 50`, `Preis bis 100`, `预算500`;
- below a bound of at least 100 or with cents, where nothing follows that could be its unit:
  `laptop under 500`. Smaller ones may be ages, inches or sizes: `toys under 3`, `tv under 55`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
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
    BUT,
    CHEAPER,
    FROM,
    LEADING,
    NAMES_WITH_CUES,
    NEGATIONS,
    NO_UNIT,
    PRICE,
    SIZE,
    SUFFIXES,
    TAILS,
    TO,
)

# Numbers without a currency are no prices below this, unless they have cents.
_LEAST_BARE = 100
_BARE_SUFFIXES = ("以下", "以内", "以內", "之内")
# `around 50` is 40 to 60.
_AROUND = 0.2
# Words of the longest phrase, and of phrases in a row: `with a price of up to`.
_MAX_WORDS = 5
# `iPhone 13 bis 300 Euro` is no range: 300 is more than this many times 13.
_WIDEST = 5
# Words between the two amounts of a range: `to`, `and up to`.
_MAX_JOINT = 3

_WORD = re.compile(rf"[{CJK}]|[^\W\d_{CJK}]+|\d+|[^\w\s.:'/]")
_NUMERAL = re.compile(r"\d|[一二三四五六七八九十百千万两](?:元|块|円)")
_ENDS = re.compile(r" *(?:$|[,;!?)）。，]|\. |\.$)")


class _Cue(NamedTuple):
    """Words that make an amount a bound.

    Attributes:
        of_price: Whether they speak of nothing but prices.
    """

    start: int
    end: int
    operator: str
    of_price: bool


class _Price(NamedTuple):
    start: int
    end: int
    bounds: dict[str, float]
    signs: tuple[str, ...]


def prices(query: str, *, currencies: Collection[str]) -> Iterator[Located]:
    """The prices in a query, from left to right.

    Args:
        currencies: ISO 4217 codes that the catalogue has.
    """
    if not _NUMERAL.search(query):
        return
    words = _Words(plain(query))
    found = list(amounts(words.query))
    done = 0
    for number, amount in enumerate(found):
        if amount.start < done:
            continue
        following = found[number + 1] if number + 1 < len(found) else None
        price = following and (_range(words, amount, following) or _both(words, amount, following))
        price = price or _bound(words, amount)
        if price is None:
            continue
        start, done = max(price.start, done), words.phrase_after(price.end, TAILS)[0] or price.end
        filters = {"price": price.bounds} | _currency(price.signs, currencies)
        text = query[start:done].strip()
        yield Located(start, done, Condition(kind="price", text=text, filters=filters))


class _Words:
    """The words of a query in plain letters, read by their neighbours.

    A word is a run of letters or digits, one letter of a CJK script, or one sign. Dots, colons,
    apostrophes and hyphens between words do not count: `max.`, `jusqu'à`, `en-dessous de`.
    """

    def __init__(self, query: str) -> None:
        self.query = query
        found = [match for match in _WORD.finditer(query) if match[0] != "-"]
        self.texts = [match[0] for match in found]
        self._starts = [match.start() for match in found]
        self._ends = [match.end() for match in found]

    def before(self, position: int) -> str:
        """The word that ends before a position, or an empty string."""
        count = bisect_right(self._ends, position)
        return self.texts[count - 1] if count else ""

    def after(self, position: int) -> str:
        """The word that begins after a position, or an empty string."""
        return "".join(self.texts[bisect_left(self._starts, position) :][:1])

    def phrase_before(self, position: int, phrases: Collection[str]) -> tuple[int, str]:
        """Start and text of the longest of these phrases that ends there; (0, "") if none does."""
        last = bisect_right(self._ends, position)
        for count in range(min(_MAX_WORDS, last), 0, -1):
            phrase = " ".join(self.texts[last - count : last])
            if phrase in phrases:
                return self._starts[last - count], phrase
        return 0, ""

    def phrase_after(self, position: int, phrases: Collection[str]) -> tuple[int, str]:
        """End and text of the longest of these phrases that begins there; (0, "") if none does."""
        first = bisect_left(self._starts, position)
        for count in range(min(_MAX_WORDS, len(self.texts) - first), 0, -1):
            phrase = " ".join(self.texts[first : first + count])
            if phrase in phrases:
                return self._ends[first + count - 1], phrase
        return 0, ""

    def between(self, start: int, end: int) -> str | None:
        """The words between two positions, or a hyphen; None if they are many."""
        first, last = bisect_left(self._starts, start), bisect_right(self._ends, end)
        if last - first > _MAX_JOINT:
            return None
        return " ".join(self.texts[first:last]) or self.query[start:end].strip()


def _range(words: _Words, low: Amount, high: Amount) -> _Price | None:
    """`20 - 30 €`, `between 20 and 30 euros`."""
    joint = words.between(low.end, high.start)
    if joint not in TO and joint not in AND:
        return None
    start, opening = words.phrase_before(low.start, BETWEEN | FROM)
    if joint not in TO and opening not in BETWEEN:
        return None
    start, of_price = _leading(words, start if opening else low.start)
    signs = high.currencies or low.currencies
    if low.value > high.value or not (signs or of_price):
        return None
    if not (opening or of_price or low.currencies or _begins_range(words, low, high)):
        return None
    if _is_model(words.query, low, high) and not (opening or of_price):
        return None
    after = _cue_after(words, high)
    end = after.end if after and after.operator == "lte" else high.end  # `100-200元以内`
    return _Price(start, end, {"gte": _short(low.value), "lte": _short(high.value)}, signs)


def _is_model(query: str, low: Amount, high: Amount) -> bool:
    """`RM1-3525`, `10SEK-217CA`, and `EUR 38-40`, which are shoe sizes."""
    goes_on = query[high.end : high.end + 1]
    before_first_only = query[low.start].isalpha() and not query[high.start].isalpha()
    return before_first_only or (goes_on.isascii() and goes_on.isalnum())


def _begins_range(words: _Words, low: Amount, high: Amount) -> bool:
    """Whether the first number belongs to the second.

    It does not in `WH-20-30 €`, `size 38 up to 50 euros` and `iPhone 13 bis 300 Euro`.
    """
    if words.query[low.start - 1 : low.start] in ("-", "/", "_") and low.start:
        return False
    if words.before(low.start) in SIZE:
        return False
    joint = words.query[low.end : high.start]
    loose = words.between(low.end, high.start) in BEFORE or joint == " - "
    return not loose or low.value * _WIDEST >= high.value


def _both(words: _Words, low: Amount, high: Amount) -> _Price | None:
    """`more than 20 but less than 50 euros`."""
    above, below = _cue_before(words, low), _cue_before(words, high)
    if not above or not below or not above.operator.startswith("g"):
        return None
    if not below.operator.startswith("l") or words.between(low.end, below.start) not in BUT:
        return None
    signs = high.currencies or low.currencies
    if not signs and not (above.of_price or below.of_price):
        return None
    bounds = _bounds(above.operator, low.value) | _bounds(below.operator, high.value)
    return _Price(above.start, high.end, bounds, signs)


def _bound(words: _Words, amount: Amount) -> _Price | None:
    """`under 50 €`, `50 € or less`."""
    before, after = _cue_before(words, amount), _cue_after(words, amount)
    cue = before or after
    if cue is None:
        return None
    if after and after.operator == "around":
        cue = cue._replace(operator="around")  # `预算5000左右`
    agree = after and after.operator[0] in (cue.operator[0], "a")
    end = after.end if after and agree else amount.end
    if not (amount.currencies or _is_bare_price(words, amount, cue, end)):
        return None
    if words.query[amount.end - 1] == "块" and cue.operator == "gte":
        return None  # pieces: `1000块以上拼图`
    return _Price(cue.start, end, _bounds(cue.operator, amount.value), amount.currencies)


def _bounds(operator: str, value: float) -> dict[str, float]:
    if operator == "around":
        return {"gte": _short(value * (1 - _AROUND)), "lte": _short(value * (1 + _AROUND))}
    return {operator: _short(value)}


def _short(value: float) -> float:
    value = round(value, 2)
    return int(value) if value.is_integer() else value


def _is_bare_price(words: _Words, amount: Amount, cue: _Cue, end: int) -> bool:
    """Whether a number without a currency, in a phrase up to `end`, is a price all the same."""
    if not (_ENDS.match(words.query, end) or words.after(end) in NO_UNIT):
        return False
    if cue.of_price:
        return True
    cents = not float(amount.value).is_integer()
    below = cue.operator == "lt" or words.query.endswith(_BARE_SUFFIXES, amount.end, end)
    thousands = words.query[amount.end - 1] == "k"  # `tv under 4k`
    return below and not thousands and (amount.value >= _LEAST_BARE or cents)


def _cue_before(words: _Words, amount: Amount) -> _Cue | None:
    found = _named_cue(words, amount.start)
    if found is None:
        return None
    start, phrase = found
    operator, of_price = BEFORE[phrase], phrase in CHEAPER
    if phrase == "~" and "JPY" in amount.currencies:
        operator = "lte"
    if outer := _named_cue(words, start):
        outer_operator = BEFORE[outer[1]]
        # `bis ca. 50 Euro`, `budget max 50 euros`; not `above 20 below 50 euros`
        if operator == "around" or operator[0] == outer_operator[0]:
            start, of_price = outer[0], of_price or outer[1] in CHEAPER
            operator = outer_operator if operator == "around" else operator
    start, price_named = _leading(words, start)
    return _Cue(start, amount.start, operator, of_price or price_named)


def _named_cue(words: _Words, position: int) -> tuple[int, str] | None:
    """Start and text of the words for a bound that end there."""
    start, phrase = words.phrase_before(position, BEFORE)
    if not phrase and words.before(position) in ARTICLES:
        article = words.phrase_before(position, ARTICLES)[0]
        start, phrase = words.phrase_before(article, BEFORE)
    previous = words.before(start)
    if not phrase or previous in NEGATIONS or previous in NAMES_WITH_CUES.get(phrase, ()):
        return None
    if phrase == "min" and previous.isdecimal():
        return None  # `30 min`
    return start, phrase


def _leading(words: _Words, start: int) -> tuple[int, bool]:
    """Start with the words that belong to the phrase before it, and whether they name a price."""
    of_price = False
    for _ in range(_MAX_WORDS):
        position, phrase = words.phrase_before(start, LEADING)
        if not phrase:
            break
        start, of_price = position, of_price or phrase in PRICE
    return start, of_price


def _cue_after(words: _Words, amount: Amount) -> _Cue | None:
    end, phrase = words.phrase_after(amount.end, SUFFIXES)
    operator = SUFFIXES.get(phrase)
    if operator is None:
        end, phrase = words.phrase_after(amount.end, AFTER)
        # A single word could belong to what follows: `20 euro max mara`.
        if not phrase or not (" " in phrase or _ENDS.match(words.query, end)):
            return None
        operator = AFTER[phrase]
    start, of_price = _leading(words, amount.start)
    return _Cue(start, end, operator, of_price)


def _currency(signs: tuple[str, ...], currencies: Collection[str]) -> dict[str, Any]:
    """A filter if the catalogue has several currencies and the sign means exactly one of them."""
    meant = [code for code in signs if code in currencies]
    return {"currency": meant[0]} if len(meant) == 1 and len(currencies) > 1 else {}
