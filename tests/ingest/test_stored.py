from __future__ import annotations

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import pack_dense_vector

from es_hybrid.errors import ElasticsearchError
from ingest.stored import StoredDocuments

VECTOR = np.full(4, 0.5, dtype=np.float32)


@pytest.fixture
def stored(es: Elasticsearch, index_name: str) -> StoredDocuments:
    es.indices.create(
        index=index_name,
        settings={"refresh_interval": "-1"},
        mappings={"properties": {"v": {"type": "dense_vector", "dims": 4}}},
    )
    document = {"title": "t", "text_hash": "h", "v": pack_dense_vector(VECTOR)}
    es.index(index=index_name, id="1", document=document)
    es.index(index=index_name, id="2", document={"text_hash": "h"})
    return StoredDocuments(es, index_name, vector_field="v", place="test")


def test_documents_that_no_search_sees_yet(stored: StoredDocuments) -> None:
    assert stored.without_vectors(["1", "2", "absent"]) == {
        "1": {"title": "t", "text_hash": "h"},
        "2": {"text_hash": "h"},
    }
    assert stored.without_vectors(["absent"]) == {}
    assert stored.without_vectors([]) == {}


def test_vectors_only_of_the_same_text(stored: StoredDocuments) -> None:
    found = stored.vectors({"1": "h", "2": "h", "absent": "h"})
    assert list(found) == ["1"]
    assert found["1"].dtype == np.float32
    assert found["1"].tolist() == VECTOR.tolist()
    assert stored.vectors({"1": "another"}) == {}


def test_a_cluster_that_is_away(index_name: str) -> None:
    with Elasticsearch("http://127.0.0.1:1") as client:
        lookup = StoredDocuments(client, index_name, vector_field="v", place="x", patience=0.1)
        with pytest.raises(ElasticsearchError, match="cannot be reached"):
            lookup.without_vectors(["1"])
