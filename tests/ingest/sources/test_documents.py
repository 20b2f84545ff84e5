"""Another index as a source: the embedded Elasticsearch, and one secured by a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from pydantic import SecretStr

from es_hybrid.errors import ElasticsearchError, SourceError
from es_hybrid.index.document import to_document
from es_hybrid.node import EmbeddedNode
from es_hybrid.records import Product
from es_hybrid.settings import ElasticsearchSettings, IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Row, check_source, documents, open_rows
from tests.fakes.http import Answer, HttpServer


@pytest.fixture
def settings(node: EmbeddedNode) -> Settings:
    return Settings(elasticsearch=ElasticsearchSettings(url=node.url))


@pytest.fixture
def shop_index(es: Elasticsearch, index_name: str) -> str:
    """A shop's own index: two shards, 25 products, a vector that must not be read."""
    es.indices.create(
        index=index_name,
        settings={"number_of_shards": 2},
        mappings={"properties": {"vec": {"type": "dense_vector", "dims": 2, "index": False}}},
    )
    actions = (
        {"_index": index_name, "_id": f"p{n}", "name": f"Product {n}", "vec": [n, 1], "none": None}
        for n in range(25)
    )
    bulk(es, actions, refresh=True)
    return index_name


def read(path: str, settings: Settings, **options: Any) -> list[Row]:
    return list(open_rows(path, "elasticsearch", settings=settings, **options))


def test_every_document_once_in_many_pages(
    shop_index: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, es: Elasticsearch
) -> None:
    monkeypatch.setattr(documents, "_PAGE_HITS", 4)
    rows = read(f"es://{shop_index}", settings)
    assert sorted(str(row.values["id"]) for row in rows) == sorted(f"p{n}" for n in range(25))
    assert rows[0].values.keys() == {"id", "_id", "name"}
    assert rows[0].place == f"es://{shop_index}/{rows[0].values['_id']}"
    # The same index read again gives the same order.
    assert [row.place for row in read(f"es://{shop_index}", settings)] == [
        row.place for row in rows
    ]
    check_source(f"es://{shop_index}", "elasticsearch", settings=settings)
    contexts = es.nodes.stats(metric="indices", index_metric="search")["nodes"].values()
    assert sum(node["indices"]["search"]["open_contexts"] for node in contexts) == 0


def test_what_is_written_meanwhile_does_not_disturb(
    shop_index: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, es: Elasticsearch
) -> None:
    monkeypatch.setattr(documents, "_PAGE_HITS", 4)
    rows = open_rows(f"es://{shop_index}", "elasticsearch", settings=settings)
    seen = [next(rows)]
    gone = ({"_op_type": "delete", "_index": shop_index, "_id": f"p{n}"} for n in range(25))
    bulk(es, gone)
    es.index(index=shop_index, id="late", document={"name": "late"}, refresh=True)
    seen += list(rows)
    assert {row.values["id"] for row in seen} == {f"p{n}" for n in range(25)}


def test_a_lost_point_in_time_is_an_error(
    shop_index: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, es: Elasticsearch
) -> None:
    monkeypatch.setattr(documents, "_PAGE_HITS", 4)
    rows = open_rows(f"es://{shop_index}", "elasticsearch", settings=settings)
    next(rows)
    es.indices.delete(index=shop_index)
    with pytest.raises(SourceError, match="its point in time is gone"):
        list(rows)


def test_only_wanted_fields_are_read(shop_index: str, settings: Settings) -> None:
    rows = read(f"es://{shop_index}", settings, wanted=("id", "title"))
    assert {frozenset(row.values) for row in rows} == {frozenset({"id", "_id"})}


def test_a_product_survives_the_round_trip(
    es: Elasticsearch, index_name: str, settings: Settings
) -> None:
    product = Product(
        id="k1", title="Kettle", sku="K", gtin=("4006381333931",), category=("Kitchen", "Kettles"),
        price=29.9, currency="EUR", lang="en", attributes={"colour": "red"},
    )  # fmt: skip
    es.index(index=index_name, id="k1", document=to_document(product, text_hash="0"), refresh=True)
    (row,) = read(f"es://{index_name}", settings)
    assert Cleaner(Settings()).clean(row).product == product


def test_the_document_s_own_id_counts_first(
    es: Elasticsearch, index_name: str, settings: Settings
) -> None:
    es.index(index=index_name, id="7", document={"id": "own", "title": "t"}, refresh=True)
    (row,) = read(f"es://{index_name}", settings)
    assert Cleaner(Settings()).clean(row).product.id == "own"
    assert (
        Cleaner(Settings(ingest=IngestSettings(fields={"id": "_id"}))).clean(row).product.id == "7"
    )


def test_what_cannot_be_read(es: Elasticsearch, index_name: str, settings: Settings) -> None:
    with pytest.raises(SourceError, match=f"es://{index_name}: no such index; check the name"):
        read(f"es://{index_name}", settings)
    es.indices.create(index=index_name)
    with pytest.raises(SourceError, match="the index has no documents"):
        read(f"es://{index_name}", settings)
    with pytest.raises(SourceError, match="the URL names no index; write es://INDEX"):
        read("es://", settings)
    with pytest.raises(SourceError, match="the URL names no index"):
        read("es+http://127.0.0.1:1/", settings)
    with pytest.raises(SourceError, match="a password in a URL") as told:
        read("es+http://user:secret@127.0.0.1:1/products", settings)
    assert "secret" not in str(told.value)
    with pytest.raises(ElasticsearchError, match="cannot be reached"):
        read("es+http://127.0.0.1:1/products", settings)


@pytest.fixture
def secured() -> Iterator[HttpServer]:
    """A cluster without an index."""
    missing = Answer(
        404, headers={"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    )
    with HttpServer(lambda request: missing) as server:
        yield server


def test_each_cluster_gets_its_own_credentials_only(secured: HttpServer) -> None:
    host = secured.url.removeprefix("http://")
    ingest = IngestSettings(source_api_key=SecretStr("theirs"))
    configured = ElasticsearchSettings(url=f"http://{host}", api_key=SecretStr("ours"))
    elsewhere = ElasticsearchSettings(url="http://127.0.0.1:1", api_key=SecretStr("ours"))
    for elasticsearch in (configured, elsewhere):
        settings = Settings(elasticsearch=elasticsearch, ingest=ingest)
        with pytest.raises(SourceError, match="no such index"):
            read(f"es+http://{host}/products", settings)
    sent = [request.header("Authorization") for request in secured.seen]
    assert sent == ["ApiKey ours", "ApiKey theirs"]
