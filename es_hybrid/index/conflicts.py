"""What prevents adding vectors to an existing index, checked before anything changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from es_hybrid.index.shop_fields import ShopFields, leaves

# Elasticsearch's default for `index.mapping.total_fields.limit`.
_FIELD_LIMIT = 1000
_BLOCKS = ("read_only", "read_only_allow_delete", "write", "metadata")


def mapping_conflicts(
    mapping: Mapping[str, Any], added: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Reasons why a mapping cannot take the fields `added`, or would lose data in them."""
    properties = mapping.get("properties", {})
    for name, wanted in added.items():
        if (existing := properties.get(name)) is not None and not _agrees(existing, wanted):
            kind = existing.get("type", "object")
            dims = f" with {existing['dims']} dims" if "dims" in existing else ""
            yield (
                f"the field {name} already exists as {kind}{dims}: "
                "set index.vector_field to another name"
            )
    source = mapping.get("_source", {})
    if source.get("enabled") is False or source.get("mode") == "disabled":
        yield "`_source` is disabled: there is no text to embed, and partial updates fail"
    for hiding in ("includes", "excludes"):
        if source.get(hiding):
            # A partial update rebuilds the document from `_source` (elasticsearch#133203).
            yield (
                f"`_source.{hiding}` hides fields, which every partial update would delete: "
                "load into a new index"
            )


def settings_conflicts(settings: Mapping[str, Any], mapping: Mapping[str, Any]) -> Iterator[str]:
    """Reasons why an index accepts no change to its mapping or documents.

    Args:
        settings: Flat names, such as `index.blocks.write`.
    """
    for block in _BLOCKS:
        if settings.get(f"index.blocks.{block}") == "true":
            yield f"index.blocks.{block} is set: remove it"
    limit = int(settings.get("index.mapping.total_fields.limit", _FIELD_LIMIT))
    fields = _field_count(mapping.get("properties", {}))
    if fields + 2 > limit:
        yield f"the mapping has {fields} of {limit} fields: raise index.mapping.total_fields.limit"


def field_conflicts(shop: ShopFields, mapping: Mapping[str, Any]) -> Iterator[str]:
    """Reasons why the index yields no product text."""
    if "title" not in dict(shop.fields):
        texts = [path for path, field in leaves(mapping.get("properties", {}))
                 if field.get("type") == "text"]  # fmt: skip
        yield (
            "no field holds the product title: set ingest.fields, e.g. "
            f'{{title = "{texts[0] if texts else "name"}"}}; '
            + (f"text fields: {', '.join(texts[:20])}" if texts else "it has no text field")
        )
    elif not shop.words:
        yield "none of the product fields has type text, so the lexical leg cannot search them"


def _agrees(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an existing field can be used as the wanted one."""
    if wanted["type"] != "dense_vector":
        return bool(existing.get("type") == wanted["type"])
    return all(existing.get(name) == wanted[name] for name in ("type", "dims", "similarity"))


def _field_count(properties: Mapping[str, Any]) -> int:
    """The number of fields as Elasticsearch counts them, including objects and sub-fields."""
    return sum(
        1 + _field_count(field.get("properties", {})) + _field_count(field.get("fields", {}))
        for field in properties.values()
    )
