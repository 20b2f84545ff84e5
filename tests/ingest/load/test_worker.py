from __future__ import annotations

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import pack_dense_vector

from es_hybrid.errors import Outage
from ingest.load.worker import StoredDocuments, VectorSource
from ingest.writing import Patience

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
    return StoredDocuments(es, VectorSource(index_name, "v", "text_hash"), patience=Patience(0.1))


def test_documents_that_no_search_sees_yet(stored: StoredDocuments) -> None:
    found = stored.documents(["1", "2", "absent"])
    assert {id_: document.source for id_, document in found.items()} == {
        "1": {"title": "t", "text_hash": "h"},
        "2": {"text_hash": "h"},
    }
    assert (found["2"].version, found["2"].seq_no, found["2"].primary_term) == (1, 1, 1)
    assert stored.documents(["absent"]) == {}
    assert stored.documents([]) == {}


def test_vectors_only_of_the_same_text(stored: StoredDocuments) -> None:
    found = stored.vectors({"1": "h", "2": "h", "absent": "h"})
    assert list(found) == ["1"]
    assert found["1"].dtype == np.float32
    assert found["1"].tolist() == VECTOR.tolist()
    assert stored.vectors({"1": "another"}) == {}


def test_a_cluster_that_is_away(index_name: str) -> None:
    with Elasticsearch("http://127.0.0.1:1") as client:
        lookup = StoredDocuments(client, VectorSource(index_name, "v", "h"), patience=Patience(0.1))
        with pytest.raises(Outage, match="cannot be reached"):
            lookup.documents(["1"])
