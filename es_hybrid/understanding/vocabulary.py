"""The words that a catalogue uses, each with the number of products that use it."""

from __future__ import annotations

import base64
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import orjson

from es_hybrid.cleaning import MAX_CHARS
from es_hybrid.records import Product
from es_hybrid.understanding.beginnings import Beginnings
from es_hybrid.understanding.named_values import NamedValue, named_values
from es_hybrid.understanding.plain import UNSPACED
from es_hybrid.understanding.product_values import (
    FieldValues,
    merged,
    values_by_field,
    values_in,
)
from es_hybrid.understanding.value_names import ValueNames

# Letters, or a name with a number: `iphone15`. Spelling has no say in other model numbers. Where no
# spaces separate words, whole sentences would be found.
_WORD = re.compile(
    rf"(?<![^\W_{UNSPACED}])(?P<letters>[^\W\d_{UNSPACED}]+)"
    rf"(?P<number>(?<=[^\W\d_]{{3}})\d{{1,4}}(?![.,]\d))?(?![^\W_{UNSPACED}])"
)
_RUN = re.compile(rf"[^\W_{UNSPACED}]+")
# `t-shirt`, `wi-fi`, `usb-c`: the analyzer splits them, and shoppers write them as one word.
_HYPHENATED = re.compile(rf"(?<![\w-])[^\W\d_{UNSPACED}]+(?:-[^\W\d_{UNSPACED}]+){{1,2}}(?![\w-])")
_MAX_WORD_CHARS = 40
# A document that unpacks to more than this is no vocabulary.
_MAX_BYTES = 1 << 26
# The rest is rare names and numbers; 200,000 words and what is derived from them take 77 MB.
_MAX_WORDS = 200_000
# A language of fewer products is one of stray labels.
_LANGUAGE_SHARE = 0.01

# Letters that Unicode does not decompose, and how they are written without them.
_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
# How German and the Nordic languages write their letters on a keyboard that lacks them.
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The words of a text, in scripts that separate words by spaces.

    Groups: `letters`, and `number` if a number follows them.
    """
    return _WORD.finditer(text)


def folded(word: str) -> str:
    """Lower case without accents: `Mütze` -> `mutze`."""
    word = word.casefold()
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word.translate(_PLAIN))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def written_out(word: str) -> str:
    """Lower case with umlauts as two letters: `Mütze` -> `muetze`."""
    word = word.casefold()
    return word if word.isascii() else folded(word.translate(_WRITTEN_OUT))


@dataclass(frozen=True)
class Vocabulary:
    """The words of one or several indices.

    Attributes:
        counts: Word in lower case, also with hyphens -> number of products that use it.
        documents: Number of products.
        languages: The products' languages, two letters each.
        currencies: The products' currencies, ISO 4217.
        values: Field (`brand`, `category`, and attributes that are colours or sizes, such as
            `attributes.colour`) -> value as shown -> number of products. A category is a path:
            `Apparel > T-Shirts`.
    """

    counts: Mapping[str, int]
    documents: int = 0
    languages: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    values: FieldValues = field(default_factory=dict)

    def __contains__(self, word: str) -> bool:
        return word in self.counts

    @cached_property
    def names(self) -> ValueNames:
        """What shoppers call the values; takes a second for 40,000 of them."""
        return ValueNames(self.values, self.counts, self.languages)

    @cached_property
    def by_length(self) -> Mapping[int, tuple[str, ...]]:
        """Number of letters -> the words that have it."""
        found: dict[int, list[str]] = {}
        for word in self.counts:
            found.setdefault(len(word), []).append(word)
        return {length: tuple(words) for length, words in found.items()}

    @cached_property
    def _spellings(self) -> Mapping[str, str]:
        """Word without its accents, or with its umlauts written out -> the most used such word."""
        found: dict[str, str] = {}
        for word in sorted(self.counts, key=self.counts.__getitem__):
            found[folded(word)] = found[written_out(word)] = word
        return found

    @cached_property
    def _hyphenated(self) -> Mapping[str, str]:
        """Words with hyphens, by what they are without."""
        return {word.replace("-", ""): word for word in self.counts if "-" in word}

    def with_hyphens(self, word: str) -> str | None:
        """The word as the catalogue hyphenates it: `tshirt` -> `t-shirt`."""
        return self._hyphenated.get(word)

    def spelt_otherwise(self, word: str) -> str | None:
        """The word with other accents, or umlauts written another way, if there is one."""
        forms = (word.casefold(), folded(word), written_out(word))
        return next((found for form in forms if (found := self._spellings.get(form))), None)

    @cached_property
    def beginnings(self) -> Beginnings[str]:
        """The words by how they begin, without accents or with umlauts written out."""
        return Beginnings(
            (form, word) for word in self.counts for form in {folded(word), written_out(word)}
        )

    @cached_property
    def named(self) -> Beginnings[NamedValue]:
        """The brands and categories by how the words of their names begin, in plain letters."""
        return named_values(self.values)

    @cached_property
    def _backwards(self) -> Beginnings[str]:
        return Beginnings((written_out(word)[::-1], word) for word in self.counts)

    def ending_with(self, end: str) -> list[str]:
        """The words that end so.

        Args:
            end: In lower case, with umlauts written out.
        """
        return self._backwards.starting_with(end[::-1])

    def __or__(self, other: Vocabulary) -> Vocabulary:
        counts = Counter(self.counts)
        counts.update(other.counts)
        languages = self.languages | other.languages
        return Vocabulary(
            counts,
            self.documents + other.documents,
            languages,
            self.currencies | other.currencies,
            merged(self.values, other.values),
        )


def vocabulary_of(products: Iterable[Product]) -> Vocabulary:
    """Count the words of products; the 200,000 in most products are kept."""
    counts: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    currencies: set[str] = set()
    values: Counter[tuple[str, str]] = Counter()
    for product in products:
        counts.update(_words(product))
        languages[product.lang[:2]] += 1
        currencies.add(product.currency)
        values.update(set(values_in(product)))
    enough = languages.total() * _LANGUAGE_SHARE
    return Vocabulary(
        dict(counts.most_common(_MAX_WORDS)),
        languages.total(),
        frozenset(lang for lang, count in languages.items() if lang and count >= enough),
        frozenset(filter(None, currencies)),
        values_by_field(values),
    )


def _words(product: Product) -> set[str]:
    values = product.attributes.values()
    text = " ".join(
        (
            product.title,
            product.brand,
            product.description[:MAX_CHARS],
            *product.category,
            *chain.from_iterable(product.other_categories),
            *(value if isinstance(value, str) else " ".join(value) for value in values),
        )
    ).lower()
    # Faster than `_WORD`, and the same but for `spnix3` of `spnix3.3`.
    found = {word for word in set(_RUN.findall(text)) if word.isalpha() or _WORD.fullmatch(word)}
    if "-" in text:
        found |= {word[0] for word in _HYPHENATED.finditer(text)}
    return {word for word in found if 1 < len(word) <= _MAX_WORD_CHARS}


def packed(vocabulary: Vocabulary) -> dict[str, Any]:
    """The vocabulary as a document."""
    lines = "\n".join(f"{word} {count}" for word, count in sorted(vocabulary.counts.items()))
    return {
        "words": _compressed(lines.encode()),
        "documents": vocabulary.documents,
        "languages": sorted(vocabulary.languages),
        "currencies": sorted(vocabulary.currencies),
        "values": _compressed(orjson.dumps(vocabulary.values)),
    }


def unpacked(document: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary in a document; one object for equal documents."""
    return _unpacked(
        document["words"],
        document["documents"],
        tuple(document["languages"]),
        tuple(document["currencies"]),
        document.get("values", ""),
    )


@lru_cache(maxsize=8)
def _unpacked(
    words: str,
    documents: int,
    languages: tuple[str, ...],
    currencies: tuple[str, ...],
    values: str,
) -> Vocabulary:
    lines = _decompressed(words).decode(errors="ignore").splitlines()
    counts = {word: int(count) for word, count in (line.split(" ") for line in lines)}
    return Vocabulary(
        counts,
        documents,
        frozenset(languages),
        frozenset(currencies),
        orjson.loads(_decompressed(values)) if values else {},
    )


def _compressed(text: bytes) -> str:
    return base64.b64encode(zlib.compress(text)).decode("ascii")


def _decompressed(packed: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(packed), _MAX_BYTES)
