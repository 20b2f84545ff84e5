"""What speaks against adding vectors to an index, told before anything is changed."""

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
    """Why a mapping cannot take the fields of `added`, or would lose what is written into them."""
    properties = mapping.get("properties", {})
    for name, wanted in added.items():
        if (there := properties.get(name)) is not None and not _agrees(there, wanted):
            kind = there.get("type", "object")
            dims = f" of {there['dims']} dims" if kind == "dense_vector" and "dims" in there else ""
            yield (
                f"the field {name} exists as {kind}{dims}: set index.vector_field to another name"
            )
    source = mapping.get("_source", {})
    if source.get("enabled") is False or source.get("mode") == "disabled":
        yield "`_source` is disabled: there is no text to embed, and no partial update"
    for hiding in ("includes", "excludes"):
        if source.get(hiding):
            # A partial update reads `_source`, and what is not in it is gone afterwards
            # (elasticsearch#133203).
            yield (
                f"`_source.{hiding}` hides fields, which any partial update would lose: "
                "load into a new index"
            )


def settings_conflicts(settings: Mapping[str, Any], mapping: Mapping[str, Any]) -> Iterator[str]:
    """Why an index takes no change of its mapping or its documents.

    Args:
        settings: Flat, as `index.blocks.write`.
    """
    for block in _BLOCKS:
        if settings.get(f"index.blocks.{block}") == "true":
            yield f"index.blocks.{block} is set: lift it"
    limit = int(settings.get("index.mapping.total_fields.limit", _FIELD_LIMIT))
    fields = _field_count(mapping.get("properties", {}))
    if fields + 2 > limit:
        yield f"it has {fields} fields of {limit}: raise index.mapping.total_fields.limit"


def field_conflicts(shop: ShopFields, mapping: Mapping[str, Any]) -> Iterator[str]:
    """Why a product's text cannot be had from the index."""
    if "title" not in dict(shop.fields):
        texts = [path for path, field in leaves(mapping.get("properties", {}))
                 if field.get("type") == "text"]  # fmt: skip
        yield (
            "no field is known as a product's title; set ingest.fields, as "
            f'{{title = "{texts[0] if texts else "name"}"}}; '
            + (f"text fields: {', '.join(texts[:20])}" if texts else "it has no text field")
        )
    elif not shop.words:
        yield "none of the fields is of type text: words cannot be looked up in them"


def _agrees(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a field that exists may serve in place of the wanted one."""
    if wanted["type"] != "dense_vector":
        return bool(there.get("type") == wanted["type"])
    return all(there.get(name) == wanted[name] for name in ("type", "dims", "similarity"))


def _field_count(properties: Mapping[str, Any]) -> int:
    """As Elasticsearch counts them: objects and sub-fields too."""
    return sum(
        1 + _field_count(field.get("properties", {})) + _field_count(field.get("fields", {}))
        for field in properties.values()
    )
