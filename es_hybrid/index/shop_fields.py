"""An index that a shop made for itself: which of its fields are a product's.

`es-hybrid index apply` puts this into the passport, so that backfill and search read the index the
same way whatever the settings say later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from es_hybrid.cleaning import clean_text
from es_hybrid.records import Product

# Types that a term is looked up in, whatever its case.
_KEYWORDS = ("keyword", "wildcard", "constant_keyword")
_TEXTS = ("text", "match_only_text")


class WordField(NamedTuple):
    """A text field that holds words of a product's field."""

    analyzer: str
    product_field: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopFields:
    """Where a product's fields stand.

    Attributes:
        fields: (product field, path in `_source`), by product field.
        words: Text fields and text sub-fields of those, with the analyzer of queries.
        keywords: (product field, keyword field of its value).
    """

    fields: tuple[tuple[str, str], ...]
    words: tuple[WordField, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()

    def to_meta(self) -> dict[str, Any]:
        """As it stands in the passport."""
        return {
            "fields": dict(self.fields),
            "words": [list(word) for word in self.words],
            "keywords": dict(self.keywords),
        }

    @classmethod
    def from_meta(cls, stored: Mapping[str, Any]) -> ShopFields:
        """Read what `to_meta` wrote."""
        return cls(
            fields=tuple(sorted(stored["fields"].items())),
            words=tuple(WordField(*word) for word in stored["words"]),
            keywords=tuple(sorted(stored["keywords"].items())),
        )

    def word_groups(self, names: Sequence[str]) -> list[list[str]]:
        """What a query looks in: fields of one analyzer each, since those are scored as one.

        Args:
            names: `search.fields`. The name of a product's field stands for the shop's fields of
                it, any other for itself; a boost goes along.
        """
        groups: dict[str, list[str]] = {}
        for name in names:
            field, caret, boost = name.partition("^")
            of_product = field.removesuffix(".text")
            words = [word for word in self.words if word.product_field == of_product]
            for word in words:
                groups.setdefault(word.analyzer, []).append(f"{word.path}{caret}{boost}")
            if not words and of_product not in Product.__dataclass_fields__:
                groups[f"field {field}"] = [name]
        return list(groups.values())

    def identifiers(self, names: Sequence[str]) -> list[str]:
        """The keyword fields for `search.identifier_fields`."""
        keywords = dict(self.keywords)
        named = (keywords.get(name, "" if name in Product.__dataclass_fields__ else name)
                 for name in names)  # fmt: skip
        return [field for field in named if field]

    def product(self, id_: str, source: Mapping[str, Any]) -> Product:
        """The product in a document; its texts are cleaned as a load cleans them.

        Raises:
            LoneSurrogate: a text is not Unicode.
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
            attributes={name: " ".join(_texts(value)) for name, value in attributes.items()},
        )


def shop_fields(properties: Mapping[str, Any], mapping: Mapping[str, str]) -> ShopFields:
    """Look a product's fields up in a mapping.

    Args:
        properties: Of the index's mapping.
        mapping: `ingest.fields`; a product field it does not name keeps its own name.
    """
    known = dict(leaves(properties))
    wanted = {name: mapping.get(name, name) for name in Product.__dataclass_fields__}
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
    """What a text field analyzes a query with."""
    return str(field.get("search_analyzer", field.get("analyzer", "default")))


def leaves(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, field) of every field that holds values; not those inside nested documents."""
    for name, field in properties.items():
        if field.get("type") == "nested":
            continue
        if "properties" in field:
            yield from leaves(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name, field


def value_at(source: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path, or None; of a list of objects the list of their values."""
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


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
