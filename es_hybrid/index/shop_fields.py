"""An index with the shop's own mapping: which of its fields hold which product field.

`es-hybrid index apply` stores this in the passport, so backfill and search read the index the same
way even if the settings change later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from es_hybrid.cleaning import clean_text
from es_hybrid.records import PRODUCT_FIELDS, Product

# Field types for exact values.
_KEYWORDS = ("keyword", "wildcard", "constant_keyword")
_TEXTS = ("text", "match_only_text")
# Analyzers without stop words and stems.
_KEEP_WORDS = ("default", "standard", "simple", "whitespace")


class WordField(NamedTuple):
    """A text field that holds a product field."""

    analyzer: str
    product_field: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopFields:
    """Where an index holds the product fields.

    Attributes:
        fields: (product field, path in `_source`), sorted by product field.
        words: Their text fields and text sub-fields, with the search analyzer.
        keywords: (product field, keyword field).
    """

    fields: tuple[tuple[str, str], ...]
    words: tuple[WordField, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()

    def to_meta(self) -> dict[str, Any]:
        """The form stored in the passport."""
        return {
            "fields": dict(self.fields),
            "words": [list(word) for word in self.words],
            "keywords": dict(self.keywords),
        }

    @classmethod
    def from_meta(cls, stored: Mapping[str, Any]) -> ShopFields:
        """Parse the output of `to_meta`."""
        return cls(
            fields=tuple(sorted(stored["fields"].items())),
            words=tuple(WordField(*word) for word in stored["words"]),
            keywords=tuple(sorted(stored["keywords"].items())),
        )

    def word_groups(self, names: Sequence[str]) -> list[list[str]]:
        """The fields a query searches, grouped by analyzer: each group is scored as one field.

        Args:
            names: `search.fields`. A product field is replaced by the shop's fields for it, with
                its boost; any other name is a field of the index.
        """
        return list(self._by_analyzer(names).values())

    def as_written(self, names: Sequence[str]) -> list[str]:
        """Of the fields a query searches those whose analyzer keeps every word; all, if none does.

        Args:
            names: As for `word_groups`.
        """
        groups = self._by_analyzer(names)
        kept = [groups[name] for name in groups if name in _KEEP_WORDS]
        return [field for group in kept or groups.values() for field in group]

    def _by_analyzer(self, names: Sequence[str]) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for name in names:
            field, caret, boost = name.partition("^")
            of_product = field.removesuffix(".text")
            words = [word for word in self.words if word.product_field == of_product]
            for word in words:
                groups.setdefault(word.analyzer, []).append(f"{word.path}{caret}{boost}")
            if not words and of_product not in PRODUCT_FIELDS:
                groups[f"field {field}"] = [name]
        return groups

    def identifiers(self, names: Sequence[str]) -> list[str]:
        """The keyword fields for `search.identifier_fields`."""
        keywords = dict(self.keywords)
        named = (keywords.get(name, "" if name in PRODUCT_FIELDS else name)
                 for name in names)  # fmt: skip
        return [field for field in named if field]

    def product(self, id_: str, source: Mapping[str, Any]) -> Product:
        """The product in a document, with texts cleaned as in a load.

        Raises:
            LoneSurrogate: a text is not valid Unicode.
        """
        found = {name: _texts(value_at(source, path)) for name, path in self.fields}
        one = {name: " ".join(texts) for name, texts in found.items()}
        attributes = value_at(source, dict(self.fields).get("attributes", ""))
        if not isinstance(attributes, Mapping):
            attributes = {}
        return Product(
            id=id_,
            title=one.get("title", ""),
            sku=one.get("sku", ""),
            gtin=tuple(found.get("gtin", ())),
            description=one.get("description", ""),
            brand=one.get("brand", ""),
            category=tuple(found.get("category", ())),
            price=_number(one.get("price", "")),
            currency=one.get("currency", ""),
            lang=one.get("lang", ""),
            attributes={name: _one_or_several(value) for name, value in attributes.items()},
        )


def shop_fields(properties: Mapping[str, Any], mapping: Mapping[str, str]) -> ShopFields:
    """Find the product fields in a mapping.

    Args:
        properties: The `properties` of the index's mapping.
        mapping: `ingest.fields`; a product field missing from it keeps its own name.
    """
    known = dict(leaves(properties))
    wanted = {name: mapping.get(name, name) for name in PRODUCT_FIELDS}
    fields = {name: path for name, path in wanted.items() if name != "id" and _exists(path, known)}
    words, keywords = [], {}
    for name, path in fields.items():
        variants = {path: known.get(path, {}), **_sub_fields(path, known)}
        words += [
            WordField(analyzer_of(field), name, variant)
            for variant, field in variants.items()
            if field.get("type") in _TEXTS and field.get("index", True)
        ]
        keyword = [v for v, field in variants.items() if field.get("type") in _KEYWORDS]
        keywords.update({name: keyword[0]} if keyword else {})
    return ShopFields(
        fields=tuple(sorted(fields.items())),
        words=tuple(words),
        keywords=tuple(sorted(keywords.items())),
    )


def analyzer_of(field: Mapping[str, Any]) -> str:
    """The search analyzer of a text field."""
    return str(field.get("search_analyzer", field.get("analyzer", "default")))


def leaves(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, field) of every field that holds values, except those of nested documents."""
    for name, field in properties.items():
        if field.get("type") == "nested":
            continue
        if "properties" in field:
            yield from leaves(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name, field


def value_at(source: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None; for a list of objects, the list of their values."""
    if path in source:
        return source[path]
    head, dot, rest = path.partition(".")
    inner = source.get(head) if dot else None
    if isinstance(inner, Mapping):
        return value_at(inner, rest)
    if isinstance(inner, list):
        values = [value_at(each, rest) for each in inner if isinstance(each, Mapping)]
        return [value for value in values if value is not None] or None
    return None


def _exists(path: str, known: Mapping[str, Any]) -> bool:
    return path in known or any(name.startswith(f"{path}.") for name in known)


def _sub_fields(path: str, known: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    fields = known.get(path, {}).get("fields", {})
    return {f"{path}.{name}": field for name, field in fields.items()}


def _texts(value: Any) -> list[str]:
    if value is None or isinstance(value, Mapping):
        return []
    values = value if isinstance(value, list) else [value]
    return [text for each in values if (text := clean_text(str(each)))]


def _one_or_several(value: Any) -> str | tuple[str, ...]:
    texts = _texts(value)
    return tuple(texts) if len(texts) > 1 else "".join(texts)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
