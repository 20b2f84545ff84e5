"""What an index already holds: to see what a row changes, and texts embedded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.index.document import read_vector
from ingest.load.changes import Stored
from ingest.writing import Patience, patiently

_FILTER_PATH = "docs._id,docs._version,docs._seq_no,docs._primary_term,docs._source"


class StoredDocuments:
    """Reads documents by id, as they are now and not as they were at the last refresh."""

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        *,
        vector_field: str,
        hash_field: str,
        place: str,
        patience: Patience,
    ) -> None:
        self._client = client.options(max_retries=0, retry_on_status=())
        self._index = index
        self._vector_field = vector_field
        self._hash_field = hash_field
        self._place = place
        self._patience = patience

    def documents(self, ids: Sequence[str]) -> dict[str, Stored]:
        """Id -> document less its vector, for those that are there."""
        # Servers before 9.2 hand the vector out with the rest unless told not to.
        return {
            doc["_id"]: Stored(
                doc["_source"], doc["_version"], doc["_seq_no"], doc["_primary_term"]
            )
            for doc in self._get(ids, source_excludes=[self._vector_field])
        }

    def vectors(self, text_hashes: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
        """Id -> vector `[dims]` float32, for those of `text_hashes` whose text is still the same.

        Args:
            text_hashes: Id -> hash of the text that the vector must be of.
        """
        # Asked for by name, it comes back from 9.2 on too, as numbers; before, as it was sent.
        fields = [self._vector_field, self._hash_field]
        found = self._get(list(text_hashes), source_includes=fields)
        return {
            doc["_id"]: read_vector(vector)
            for doc in found
            if doc["_source"].get(self._hash_field) == text_hashes[doc["_id"]]
            and (vector := doc["_source"].get(self._vector_field)) is not None
        }

    def _get(self, ids: Sequence[str], **source: Any) -> list[Mapping[str, Any]]:
        """The documents that are there, with `_source`."""
        if not ids:
            return []
        answer = patiently(
            lambda: self._client.mget(
                index=self._index, ids=list(ids), filter_path=_FILTER_PATH, **source
            ),
            self._patience,
            place=self._place,
        )
        return [doc for doc in answer["docs"] if "_source" in doc]
