"""Sizes in a query: `size 42`, `Größe L`, `42码`.

Only a size with its label, and one that the catalogue has: `42` alone may be anything. It ranks
products higher and hides none, since EU 42 is US 9 in the next product.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from es_hybrid.understanding.condition import Condition, Located
from es_hybrid.understanding.plain import plain
from es_hybrid.understanding.product_values import FieldValues, attribute_kind

_NUMBER = r"\d{1,3}(?:[.,]\d)?"
_SIZE = rf"(?P<size>{_NUMBER}|(?:\d|x{{0,4}})[sl]|\d?x{{1,4}}[sl]|m)"
# `42mm`, `40-42`, `40 x 30`, `1 m 80`, `8 1/2`: measurements.
_END = (
    r"(?![\w%'\"′″]|[.,/-]\w| ?\d| ?(?:cm|mm|m|ft|inch|inches|zoll|pouces|ml|l|kg|g|x|×|см|мм|м|"
    r"厘米|毫米)(?!\w))"
)
# In plain letters.
_LABEL = (
    r"sizes?|sz\.?|große|groesse|grosse|gr\.|schuhgroße|taille|pointure|tallas?|taglia|maat|"
    r"schoenmaat|tamanho|tam\.|storlek|strl\.?|størrelse|str\.|rozmiar|rozm\.|размер"
)
_CJK_LABEL = "尺[码碼]|サイズ|사이즈"
_BEFORE = re.compile(
    rf"(?:(?<!\w)(?:in )?(?:{_LABEL})[ :]{{0,2}}(?:(?:eu|uk|us) ?)?|(?:{_CJK_LABEL})[ :]?)"
    rf"{_SIZE}{_END}"
)
_AFTER = re.compile(rf"(?<![\w.]){_SIZE} ?(?:[码碼]|{_CJK_LABEL})")
# What is measured and not worn: `screen size 24`.
_OTHER = re.compile(
    r"(?:screen|display|font|file|frame|image|page|paper|print|sheet|wheel|tyre|tire|monitor|bed|"
    r"bildschirm|schrift|papier|rahmen|ecran|papel|schermo|屏幕|字体|纸张) ?$"
)
# `L (175/96A)`, `W 8 / M 6.5`, `38-39`, `EU42`.
_BRACKETED = re.compile(r"[(（].*")
_NAMED = re.compile(r"(?:eu|us|uk)(?=\d)|[^\W_]+(?:['’][^\W_]+)?(?:[.,]\d+)?")
_RANGE = re.compile(rf"({_NUMBER}) ?[-–] ?({_NUMBER})")
_MEASURED = re.compile(r"[×*]|\d ?(?:cm|mm|m|in|inch|ft|l|ml)(?!\w)")
# Values of a field that are compared, those of most products; and sizes in a query.
_MAX_VALUES, _MAX_SIZES = 500, 2
_REPEATED = re.compile(r"(\d)x([sl])")


def sizes(query: str, values: FieldValues) -> Iterator[Located]:
    """The sizes in a query that the catalogue has, from left to right.

    Args:
        values: `Vocabulary.values`.
    """
    fields = [field for field in values if attribute_kind(field) == "size"]
    if not fields:
        return
    letters = plain(query)
    found = [*_BEFORE.finditer(letters), *_AFTER.finditer(letters)]
    done = 0
    for match in sorted(found, key=re.Match.start)[:_MAX_SIZES]:
        if match.start() < done or _OTHER.search(letters, 0, match.start()):
            continue
        named = {
            field: tuple(
                value
                for value in islice(values[field], _MAX_VALUES)
                if _includes(value, match["size"])
            )
            for field in fields
        }
        if any(named.values()):
            done = match.end()
            text = query[match.start() : done].strip()
            meant = {field: found for field, found in named.items() if found}
            condition = Condition(kind="size", text=text, effect="boost", values=meant)
            yield Located(match.start(), done, condition)


def _includes(value: str, size: str) -> bool:
    """Whether a value of the catalogue is or includes a size.

    >>> _includes("L (175/96A)", "l"), _includes("38-42", "40")
    (True, True)
    """
    named, least, most = _read(value)
    wanted = _same(size)
    return wanted in named or (isinstance(wanted, float) and least <= wanted <= most)


@lru_cache(maxsize=4096)
def _read(value: str) -> tuple[frozenset[str | float], float, float]:
    """The sizes that a value names, and the bounds of a range."""
    named = _BRACKETED.sub("", plain(value)).strip()
    if _MEASURED.search(named):
        return frozenset(), math.inf, -math.inf
    between = _RANGE.fullmatch(named)
    least, most = map(_number, between.groups()) if between else (math.inf, -math.inf)
    return frozenset(map(_same, _NAMED.findall(named))), least, most


def _same(size: str) -> str | float:
    """One form of a size: `42.0` is 42, and `3xl` is `xxxl`."""
    if _is_number(size):
        return _number(size)
    return _REPEATED.sub(lambda match: "x" * int(match[1]) + match[2], size)


def _is_number(text: str) -> bool:
    return text[0].isdecimal() and text.replace(",", "").replace(".", "").isdecimal()


def _number(text: str) -> float:
    return float(text.replace(",", "."))
