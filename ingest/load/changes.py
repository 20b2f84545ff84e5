"""What a row changes in the index, decided from what is stored. Pure: nothing is sent from here.

A document may hold more than a row says: a group from an alignment, the shop's own stock. Only
the fields of a product are compared and written; the others are nobody's business here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.records import Product
from ingest.sources import Row

# What `index.document.to_document` writes; the id stands beside the document.
PRODUCT_FIELDS = tuple(field.name for field in fields(Product) if field.name != "id")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cleaned row on its way.

    Attributes:
        document: What shall be stored, less the vector.
        text: What is embedded.
        text_hash: Of the text.
        version: Higher for every later row, also of a later load; or what the feed says.
        vector: `[dims]` float32 of the text, once it is known.
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
    """A document as the index has it.

    Attributes:
        source: Less the vector.
    """

    source: Mapping[str, Any]
    version: int
    seq_no: int
    primary_term: int


class Verdict(Enum):
    """What is to be done about a row."""

    UNCHANGED = auto()
    SUPERSEDED = auto()
    PUT = auto()
    """Write the whole document, under the row's version."""
    PATCH = auto()
    """Write what changed, if the document is still the one that was read."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a row, and what it stands on.

    Attributes:
        same_text: The stored vector is of the row's text.
    """

    candidate: Candidate
    verdict: Verdict
    stored: Stored | None = None
    same_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How rows are decided in one load.

    Attributes:
        hash_field: The document's field that holds the hash of the embedded text.
        feed_versions: The rows carry versions of their own. Then documents are written whole,
            since the cluster compares versions of whole documents only.
        whole_documents: The index hides fields from `_source`, and a partial write would lose
            them (elasticsearch#133203).
    """

    hash_field: str
    feed_versions: bool = False
    whole_documents: bool = False

    def decide(self, candidate: Candidate, stored: Stored | None) -> Decision:
        """What a row changes."""
        if stored is None:
            return Decision(candidate, Verdict.PUT)
        if candidate.version < stored.version:
            return Decision(candidate, Verdict.SUPERSEDED)
        same_text = stored.source.get(self.hash_field) == candidate.text_hash
        # A newer feed version is written even where nothing else changed: otherwise a version
        # between the two would still find an older one to replace.
        newer = self.feed_versions and candidate.version > stored.version
        if same_text and not newer and not self.patch(candidate, stored):
            return Decision(candidate, Verdict.UNCHANGED)
        whole = self.feed_versions or self.whole_documents
        return Decision(candidate, Verdict.PUT if whole else Verdict.PATCH, stored, same_text)

    def patch(self, candidate: Candidate, stored: Stored) -> dict[str, Any]:
        """The fields that differ: the new value, or null for what is gone.

        Elasticsearch merges a patch into the document and cannot take a field away; a null is
        stored, and counts as absent everywhere.
        """
        new, old = candidate.document, stored.source
        if new == old:
            return {}
        changed = {
            name: value
            for name in (*PRODUCT_FIELDS, self.hash_field)
            if (value := new.get(name)) != old.get(name)
        }
        if "attributes" in changed:
            changed |= {"attributes": _merge(new.get("attributes"), old.get("attributes"))}
            if not changed["attributes"]:
                del changed["attributes"]
        return changed

    def whole(self, candidate: Candidate, stored: Stored | None) -> dict[str, Any]:
        """The whole document less its vector; fields that are not a product's are kept."""
        if stored is None:
            return candidate.document
        ours = {*PRODUCT_FIELDS, self.hash_field}
        foreign = {name: value for name, value in stored.source.items() if name not in ours}
        return foreign | candidate.document


def _merge(new: Mapping[str, Any] | None, old: Any) -> dict[str, Any] | None:
    """The patch that makes `old` attributes `new`; empty where they are equal but for nulls."""
    if not isinstance(old, Mapping):
        return dict(new) if new else None
    new = new or {}
    return {
        name: new.get(name) for name in (*new, *(old.keys() - new.keys()))
        if new.get(name) != old.get(name)
    }  # fmt: skip
