"""A mapping's `_meta`: Elasticsearch replaces it as a whole, so it is read and written back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.index.passport import META_KEY

# Which index a name stood for before: written into the index that takes over.
FORMER_KEY = f"{META_KEY}_former"


def write_meta(client: Elasticsearch, index: str, entries: Mapping[str, Any], **more: Any) -> None:
    """Set entries of one index's `_meta`, those of others kept.

    Args:
        more: What else of the mapping is put, e.g. `properties`.
    """
    meta = {**_mapping(client, index).get("_meta", {}), **entries}
    client.indices.put_mapping(index=index, meta=meta, **more)


def note_former(client: Elasticsearch, index: str, *, alias: str, former: str) -> None:
    """Write into an index what an alias stood for before it stands for this one."""
    notes = _mapping(client, index).get("_meta", {}).get(FORMER_KEY, {})
    write_meta(client, index, {FORMER_KEY: {**notes, alias: former}})


def former_of(client: Elasticsearch, index: str, *, alias: str) -> str | None:
    """What `note_former` wrote, or None."""
    former = _mapping(client, index).get("_meta", {}).get(FORMER_KEY, {}).get(alias)
    return None if former is None else str(former)


def _mapping(client: Elasticsearch, index: str) -> dict[str, Any]:
    [entry] = client.indices.get_mapping(index=index).body.values()
    mapping: dict[str, Any] = entry["mappings"]
    return mapping
