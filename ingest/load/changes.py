"""What a row changes in the index, planned from what is stored. Pure: sends nothing.

A document may hold fields that no row has: a group from an alignment, the shop's own stock. Only
the fields of a product are compared and written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.index.document import write_vector
from es_hybrid.records import PRODUCT_FIELDS
from ingest.sources import Row
from ingest.writing import Operation, index_operation, update_operation

# The fields that `index.document.to_document` writes; the id is not part of the document.
DOCUMENT_FIELDS = tuple(name for name in PRODUCT_FIELDS if name != "id")


@dataclass(slots=True)
class PreparedRow:
    """A cleaned row, ready to be compared and written.

    Attributes:
        document: What to store, without the vector.
        text: The text to embed.
        text_hash: Hash of `text`.
        version: Higher for every later row, also of later loads; or the feed's own version.
        vector: `[dims]` float32 of `text`, once it is known.
    """

    row: Row
    id: str
    document: dict[str, Any]
    text: str
    text_hash: str
    version: int
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A document in the index.

    Attributes:
        source: `_source` without the vector.
    """

    source: Mapping[str, Any]
    version: int
    seq_no: int
    primary_term: int


class Action(Enum):
    """What to do about a row."""

    UNCHANGED = auto()
    SUPERSEDED = auto()
    PUT = auto()
    """Write the whole document, with the row's version."""
    PATCH = auto()
    """Write the changed fields unless the document changed after it was read."""


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """The action for a row, and what it is based on.

    Attributes:
        same_text: The stored vector is of the row's text.
    """

    row: PreparedRow
    action: Action
    stored: Stored | None = None
    same_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one load writes.

    Attributes:
        vector_field: The document's field for the vector.
        hash_field: The document's field for the hash of the embedded text.
        packs_vectors: The cluster reads vectors as base64.
        feed_versions: The rows have their own versions. Documents are then written whole, because
            Elasticsearch compares versions of whole documents only.
        whole_documents: The index hides fields from `_source`, and a partial write would lose them
            (elasticsearch#133203).
    """

    vector_field: str
    hash_field: str
    packs_vectors: bool
    feed_versions: bool = False
    whole_documents: bool = False

    def plan(self, row: PreparedRow, stored: Stored | None) -> PlannedWrite:
        """Choose the action for a row."""
        if stored is None:
            return PlannedWrite(row, Action.PUT)
        if row.version < stored.version:
            return PlannedWrite(row, Action.SUPERSEDED)
        same_text = stored.source.get(self.hash_field) == row.text_hash
        # A newer feed version is written even if nothing else changed: a version between the two
        # would otherwise still find an older one to replace.
        newer = self.feed_versions and row.version > stored.version
        if same_text and not newer and not self.patch(row, stored):
            return PlannedWrite(row, Action.UNCHANGED)
        whole = self.feed_versions or self.whole_documents
        return PlannedWrite(row, Action.PUT if whole else Action.PATCH, stored, same_text)

    def operation(self, planned: PlannedWrite) -> Operation:
        """The write of a `PUT` or a `PATCH`; its tag is the row."""
        row, stored = planned.row, planned.stored
        patched = stored if planned.action is Action.PATCH else None
        fields = self.patch(row, patched) if patched else self.whole(row, stored)
        if row.vector is not None:
            vector = write_vector(row.vector, packed=self.packs_vectors)
            fields = fields | {self.vector_field: vector}
        if patched is None:
            return index_operation(row.id, fields, version=row.version, tag=row)
        return update_operation(
            row.id,
            fields,
            if_seq_no=patched.seq_no,
            if_primary_term=patched.primary_term,
            tag=row,
        )

    def patch(self, row: PreparedRow, stored: Stored) -> dict[str, Any]:
        """The fields that differ, with the new value, or null for a removed field.

        Elasticsearch merges a patch into the document and cannot remove a field. It stores the
        null, which counts as absent everywhere.
        """
        new, old = row.document, stored.source
        if new == old:
            return {}
        changed = {
            name: value
            for name in (*DOCUMENT_FIELDS, self.hash_field)
            if (value := new.get(name)) != old.get(name)
        }
        if "attributes" in changed:
            changed |= {"attributes": _merge(new.get("attributes"), old.get("attributes"))}
            if not changed["attributes"]:
                del changed["attributes"]
        return changed

    def whole(self, row: PreparedRow, stored: Stored | None) -> dict[str, Any]:
        """The whole document without its vector; keeps fields that are not a product's."""
        if stored is None:
            return row.document
        ours = {*DOCUMENT_FIELDS, self.hash_field}
        foreign = {name: value for name, value in stored.source.items() if name not in ours}
        return foreign | row.document


def _merge(new: Mapping[str, Any] | None, old: Any) -> dict[str, Any] | None:
    """The patch that turns `old` attributes into `new`; empty if they differ only in nulls."""
    if not isinstance(old, Mapping):
        return dict(new) if new else None
    new = new or {}
    return {
        name: new.get(name) for name in (*new, *(old.keys() - new.keys()))
        if new.get(name) != old.get(name)
    }  # fmt: skip
