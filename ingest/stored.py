"""What the index already holds: to skip rows that changed nothing, and texts embedded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.client import translated
from es_hybrid.index.document import read_vector
from ingest.backoff import with_retries


class StoredDocuments:
    """Reads documents by id, as they are now and not as they were at the last refresh."""

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        *,
        vector_field: str,
        place: str,
        patience: float = 60.0,
    ) -> None:
        self._client = client.options(max_retries=0, retry_on_status=())
        self._index = index
        self._vector_field = vector_field
        self._place = place
        self._patience = patience

    def without_vectors(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Id -> document less its vector, for those that are there."""
        # Servers before 9.2 hand the vector out with the rest unless told not to.
        return self._get(ids, source_excludes=[self._vector_field])

    def vectors(self, text_hashes: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
        """Id -> vector `[dims]` float32, for those of `text_hashes` whose text is still the same.

        Args:
            text_hashes: Id -> hash of the text that the vector must be of.
        """
        # Asked for by name, it comes back from 9.2 on too, as numbers; before, as it was sent.
        found = self._get(list(text_hashes), source_includes=[self._vector_field, "text_hash"])
        return {
            id_: read_vector(vector)
            for id_, document in found.items()
            if document.get("text_hash") == text_hashes[id_]
            and (vector := document.get(self._vector_field)) is not None
        }

    def _get(self, ids: Sequence[str], **source: Any) -> dict[str, dict[str, Any]]:
        if not ids:
            return {}
        with translated(self._place):
            answer = with_retries(
                lambda: self._client.mget(
                    index=self._index,
                    ids=list(ids),
                    filter_path="docs._id,docs._source",
                    **source,
                ),
                limit=self._patience,
            )
        return {doc["_id"]: doc["_source"] for doc in answer["docs"] if "_source" in doc}
