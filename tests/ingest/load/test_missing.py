from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from es_hybrid.errors import IndexStateError
from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.http import Answer
from tests.ingest.conftest import Shop

OpenShop = Callable[..., Shop]


def products(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"P{n}", "title": f"Product {n}"} for n in numbers]


def test_documents_without_a_row_go(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(*range(20)))
    shop.load(products(*range(2, 20)))
    assert len(shop.stored()) == 20
    shop.load(products(*range(2, 20)), delete_missing=True)
    assert {*shop.stored()} == {f"P{n}" for n in range(2, 20)}
    assert shop.said[-1] == "deleted 2 documents that the feed no longer contains"


def test_a_rejected_row_keeps_its_document(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(*range(20)))
    rows = products(*range(1, 20))
    rows[0]["price"] = -1
    shop.load(rows, delete_missing=True)
    assert {*shop.stored()} == {f"P{n}" for n in range(1, 20)}


def test_above_the_share_none_goes(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(*range(20)))
    with pytest.raises(IndexStateError, match="5 of 20 documents are not in the feed"):
        shop.load(products(*range(5, 20)), delete_missing=True)
    assert len(shop.stored()) == 20
    shop.with_settings("ingest", max_delete_share=0.25)
    shop.resume()
    assert len(shop.stored()) == 15


def test_none_goes_while_a_row_does_not_say_which_product_it_is(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.load(products(*range(20)))
    with pytest.raises(IndexStateError, match="1 rejected rows have no product id"):
        shop.load([*products(*range(2, 20)), {"title": "no id"}], delete_missing=True)
    assert len(shop.stored()) == 20


def test_a_document_written_meanwhile_stays(node: EmbeddedNode, open_shop: OpenShop) -> None:
    wrote: list[str] = []

    def write_first(path: str, body: bytes, _ask: Forward) -> Answer | None:
        if "/_bulk" in path and b'{"delete"' in body and not wrote:
            wrote.append(path)
            shop.es.update(index=shop.settings.index.name, id="P0", doc={"stock": 3})
        return None

    shop = open_shop()
    shop.load(products(*range(20)))
    with FaultyProxy(node.url, write_first) as proxy:
        shop.with_settings("elasticsearch", url=proxy.url)
        shop.load(products(*range(2, 20)), delete_missing=True)
    assert wrote
    assert {*shop.stored()} == {"P0"} | {f"P{n}" for n in range(2, 20)}
    assert shop.said[-1].endswith("; 1 were written meanwhile and were kept")
