"""The state of the index decides how rows are written."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from es_hybrid.errors import IndexStateError
from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.embedding import vector_of
from tests.fakes.http import Answer
from tests.ingest.conftest import DIMS, Shop, as_vector

OpenShop = Callable[..., Shop]


def products(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"P{n}", "title": f"Product {n}", "price": n + 0.5} | fields for n in range(count)
    ]


def test_fields_of_others_survive_every_load(open_shop: OpenShop) -> None:
    shop = open_shop()
    index = shop.settings.index.name
    shop.load(products(4))
    for n in range(4):
        shop.es.update(index=index, id=f"P{n}", doc={"group_id": f"g{n}", "stock": n})
    rows = products(4)
    rows[1]["price"] = 99
    rows[2]["title"] = "Something else"
    tally = shop.load(rows)
    assert (tally.unchanged, tally.updated, tally.embedded) == (2, 2, 1)
    stored = shop.stored()
    assert [(d["group_id"], d["stock"]) for _, d in sorted(stored.items())] == [
        (f"g{n}", n) for n in range(4)
    ]
    assert stored["P1"]["price"] == 99
    np.testing.assert_allclose(
        as_vector(stored["P2"]), vector_of("Something else", DIMS), atol=1e-6
    )


def test_a_document_changed_while_it_is_loaded_is_decided_again(
    node: EmbeddedNode, open_shop: OpenShop
) -> None:
    """The shop writes between look-up and update: neither change is lost."""
    wrote: list[int] = []

    def write_first(path: str, _body: bytes, _ask: Forward) -> Answer | None:
        if "/_bulk" in path and len(wrote) < 2:
            wrote.append(len(wrote))
            shop.es.update(index=index, id="P1", doc={"stock": 10 + len(wrote)})
            shop.es.delete(index=index, id="P2") if len(wrote) == 1 else None
        return None

    shop = open_shop()
    index = shop.settings.index.name
    shop.load(products(4))
    with FaultyProxy(node.url, write_first) as proxy:
        shop.with_settings("elasticsearch", url=proxy.url)
        tally = shop.load(products(4, brand="New"))
    assert len(wrote) == 2
    assert (tally.updated, tally.created, tally.ended) == (3, 1, 4)
    stored = shop.stored()
    assert (stored["P1"]["brand"], stored["P1"]["stock"]) == ("New", 12)
    assert stored["P2"]["brand"] == "New"


def test_a_document_that_never_stops_changing_is_a_dead_letter(
    node: EmbeddedNode, open_shop: OpenShop
) -> None:
    def always(path: str, _body: bytes, _ask: Forward) -> Answer | None:
        if "/_bulk" in path:
            stock = random.random()
            shop.es.update(index=shop.settings.index.name, id="P1", doc={"stock": stock})
        return None

    shop = open_shop()
    shop.load(products(3))
    with FaultyProxy(node.url, always) as proxy:
        shop.with_settings("elasticsearch", url=proxy.url)
        tally = shop.load(products(3, brand="New"))
        assert len(proxy.bulks) == 5
    assert (tally.updated, tally.rejected) == (2, 1)
    (letter,) = shop.dead_letters
    assert letter["reason"] == "other writers kept changing the document"


def test_an_index_that_hides_its_vectors_from_source_keeps_them(open_shop: OpenShop) -> None:
    """A partial update would lose the vector (elasticsearch#133203)."""
    shop = open_shop()
    index = shop.settings.index.name
    shop.load(products(1))
    (concrete, made), *_ = shop.es.indices.get(index=index).items()
    mappings = made["mappings"] | {"_source": {"excludes": ["embedding"]}}
    shop.es.indices.delete(index=concrete)
    shop.es.indices.create(index=index, mappings=mappings)
    shop.load(products(5))
    shop.embedded()
    tally = shop.load(products(5, brand="New"))
    assert (tally.updated, tally.embedded) == (5, 5)
    assert sum("hides fields from _source" in line for line in shop.said) == 2
    found = shop.es.search(
        index=index, knn={"field": "embedding", "query_vector": [1.0] * DIMS, "k": 10}
    )
    assert {hit["_id"]: hit["_source"]["brand"] for hit in found["hits"]["hits"]} == {
        f"P{n}": "New" for n in range(5)
    }


def test_vectors_are_taken_over_by_the_next_version_of_an_index(open_shop: OpenShop) -> None:
    shop = open_shop()
    alias = shop.settings.index.name
    shop.load(products(40))
    shop.embedded()
    before = shop.stored()
    rows = products(42)
    rows[0]["title"] = "Another text"
    shop.with_settings("index", name=f"{alias}-v0002")
    tally = shop.load(rows)
    assert (tally.created, tally.embedded) == (42, 3)
    assert sorted(shop.embedded()) == ["Another text", "Product 40", "Product 41"]
    assert f"vectors of unchanged texts are copied from {alias}" in shop.said
    after = shop.stored()
    for n in range(1, 40):
        np.testing.assert_array_equal(as_vector(after[f"P{n}"]), as_vector(before[f"P{n}"]))


def test_vectors_of_other_texts_are_not_taken_over(open_shop: OpenShop) -> None:
    shop = open_shop()
    alias = shop.settings.index.name
    shop.load(products(3))
    shop.with_settings("index", name=f"{alias}-v0002")
    shop.with_settings("ingest", text_template=("title", "brand"))
    with pytest.raises(IndexStateError, match="of another model or of other texts"):
        shop.load(products(3), reuse_vectors_from=alias)
    with pytest.raises(IndexStateError, match="nowhere-else: no such index"):
        shop.load(products(3), reuse_vectors_from="nowhere-else")
    assert shop.load(products(3)).embedded == 3


FEED = {"fields": {"version": "changed_at"}}


def test_feed_versions_in_any_order_end_at_the_newest(open_shop: OpenShop) -> None:
    shop = open_shop(ingest=FEED)
    dice = random.Random(6)
    feed = [
        {"id": f"P{n}", "title": f"Title {n}", "price": version, "changed_at": version}
        for n in range(5)
        for version in range(1, 7)
    ]
    for _ in range(4):
        dice.shuffle(feed)
        tally = shop.load(feed[:20])
        assert tally.ended == 20
    shop.embedded()
    shop.load(feed)
    assert {id_: d["price"] for id_, d in shop.stored().items()} == {f"P{n}": 6 for n in range(5)}
    assert shop.embedded() == []  # the text never changed
    assert shop.load(feed).superseded == 25
    assert shop.tally.unchanged == 5


def test_feed_versions_keep_fields_of_others_and_vectors(open_shop: OpenShop) -> None:
    shop = open_shop(ingest=FEED)
    row = {"id": "1", "title": "T", "price": 1, "changed_at": "2026-11-20T10:00:00Z"}
    shop.load([row])
    index = shop.settings.index.name
    before = shop.stored()["1"]
    shop.es.update(index=index, id="1", doc={"group_id": "g"})
    shop.load([row | {"price": 2, "changed_at": "2026-11-21T10:00:00Z"}])
    after = shop.stored()["1"]
    assert (after["price"], after["group_id"], after["embedding"]) == (2, "g", before["embedding"])
    shop.load([row])
    assert (shop.tally.superseded, shop.stored()["1"]["price"]) == (1, 2)
    shop.load([{"id": "1", "title": "T"}])
    assert shop.dead_letters[-1]["field"] == "version"


def test_feed_versions_do_not_fit_an_index_loaded_without_them(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(2))
    shop.with_settings("ingest", **FEED)
    with pytest.raises(IndexStateError, match="have load versions"):
        shop.load([{"id": "1", "title": "T", "changed_at": 5}])
