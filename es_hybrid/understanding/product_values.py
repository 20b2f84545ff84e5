"""The values that products share: brands, categories, and the attributes that are colours or sizes.

Shops name attributes in their own language, and programs add to the name: `product_colour`,
`Farbe`, `variant.shoeSize`, `颜色分类`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Literal

from es_hybrid.index.document import with_parents
from es_hybrid.records import Product
from es_hybrid.understanding.plain import plain

# Field -> value as shown -> number of products; those of most products first.
FieldValues = Mapping[str, Mapping[str, int]]

# Values of a field that are kept, those of most products; and attributes, likewise.
_MAX_VALUES = 20_000
_MAX_ATTRIBUTES = 10
# Longer values are descriptions; the longest path of Google's taxonomy has 160 characters.
_MAX_CHARS = 200
_ATTRIBUTES = "attributes."

_COLOURS = frozenset(plain(
    "color colour colors colours farbe farben couleur couleurs coloris colore colori colores "
    "kleur kleuren cor cores färg färger farve farver farge farger väri kolor barva farba culoare "
    "szín renk warna цвет колір χρώμα لون اللون צבע สี रंग màu"
).split())  # fmt: skip
_SIZES = frozenset(plain(
    "size sizes größe grösse groesse größen schuhgröße kleidergröße konfektionsgröße taille "
    "tailles pointure talla tallas taglia taglie maat maten schoenmaat tamanho tamanhos storlek "
    "størrelse koko rozmiar velikost mărime méret beden numara ukuran размер розмір μέγεθος مقاس "
    "المقاس מידה ไซส์"
).split())  # fmt: skip
_COLOUR_PART = re.compile("[颜顏]色|カラー|색상")
_SIZE_PART = re.compile("尺[码碼]|サイズ|사이즈")
_JOINT = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
# `colour of product`, `couleur du produit`; but `colour depth`.
_OF = frozenset(("of", "de", "del", "della", "des", "do", "da", "du", "van"))
# `shoe size`; the size of a screen or a package is a measurement.
_WORN = frozenset(("shoe", "clothing", "clothes", "garment", "ring", "variant", "eu", "uk", "us"))
_NO_COLOURS = frozenset(("true", "false", "yes", "no"))


@lru_cache(maxsize=4096)
def attribute_kind(name: str) -> Literal["colour", "size"] | None:
    """What an attribute says of a product, by its name.

    >>> attribute_kind("product_colour"), attribute_kind("screen_size")
    ('colour', None)
    """
    last = name.rpartition(".")[2]
    words = [plain(word) for word in _JOINT.split(last) if word] or [""]
    if _COLOUR_PART.search(last) or last == "色" or _is_colour(words):
        return "colour"
    if _SIZE_PART.search(last) or (words[-1] in _SIZES and _WORN.issuperset(words[:-1])):
        return "size"
    return None


def _is_colour(words: list[str]) -> bool:
    if words[-1] in _COLOURS:
        return len(words) <= 2  # more is `number of colours`
    return words[0] in _COLOURS and len(words) > 1 and words[1] in _OF


def values_in(product: Product) -> Iterator[tuple[str, str]]:
    """Field and value of the brand, the categories with their parents, the colours and sizes."""
    yield "brand", product.brand
    for path in with_parents((product.category, *product.other_categories)):
        yield "category", path
    for name, value in product.attributes.items():
        kind = attribute_kind(name)
        if kind is None:
            continue
        for each in (value,) if isinstance(value, str) else value:
            if kind == "size" or _is_name(each):
                yield _ATTRIBUTES + name, each


def _is_name(colour: str) -> bool:
    """Not whether a product is coloured, nor how many colours it has."""
    return colour.lower() not in _NO_COLOURS and any(map(str.isalpha, colour))


def values_by_field(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """The values in most products, for each field.

    Args:
        counts: Field and value -> number of products.
    """
    shared = ((key, count) for key, count in counts.items() if 0 < len(key[1]) <= _MAX_CHARS)
    ordered = sorted(shared, key=lambda each: (each[0][0], -each[1], each[0][1]))
    found = {
        field: {value: count for (_, value), count in list(group)[:_MAX_VALUES]}
        for field, group in groupby(ordered, key=lambda each: each[0][0])
    }
    attributes = [field for field in found if field.startswith(_ATTRIBUTES)]
    attributes.sort(key=lambda field: -sum(found[field].values()))
    for field in attributes[_MAX_ATTRIBUTES:]:
        del found[field]
    return found


def merged(one: FieldValues, other: FieldValues) -> dict[str, dict[str, int]]:
    """The values of two indices."""
    return {
        field: dict((Counter(one.get(field, {})) + Counter(other.get(field, {}))).most_common())
        for field in sorted({*one, *other})
    }
