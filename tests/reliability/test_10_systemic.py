"""10. A systemic error stops early; scattered bad rows do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from es_hybrid.errors import EsHybridError, TooManyRejected
from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import FaultyProxy, Forward, refusal
from tests.fakes.http import Answer, json_answer
from tests.ingest.conftest import Shop

OpenShop = Callable[..., Shop]
BATCH = 8


def products(count: int) -> list[dict[str, Any]]:
    return [{"id": f"P{n}", "title": f"Product {n}", "price": n + 0.5} for n in range(count)]


def stops(shop: Shop, rows: list[dict[str, Any]], match: str) -> EsHybridError:
    with pytest.raises(EsHybridError, match=match) as caught:
        shop.load(rows)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_wrong_mapping_costs_one_batch(open_shop: OpenShop) -> None:
    shop = open_shop()
    index = shop.settings.index.name
    shop.load(products(1))
    (concrete, made), *_ = shop.es.indices.get(index=index).items()
    mappings = made["mappings"]
    mappings["properties"]["price"] = {"type": "boolean"}
    shop.es.indices.delete(index=concrete)
    shop.es.indices.create(index=index, mappings=mappings)
    shop.embedded()
    error = stops(shop, products(20_000), "all of the first 8 documents were refused: .*boolean")
    assert "then resume with `es-hybrid ingest resume" in error.remedy
    assert len(shop.embedded()) == BATCH
    assert len(shop.dead_letters) == BATCH
    assert shop.tally.rows == BATCH


def test_a_wrong_key_costs_none(node: EmbeddedNode, open_shop: OpenShop) -> None:
    denied: list[str] = []

    def refuse(path: str, _body: bytes, _ask: Forward) -> Answer | None:
        denied.append(path)
        return refusal(401)

    shop = open_shop(fault=lambda *_: json_answer(401, {"error": "who are you"}))
    stops(shop, products(20_000), r"answered 401.*embedding\.api_key")
    assert shop.server.requests
    with FaultyProxy(node.url, refuse) as proxy:
        shop = open_shop(url=proxy.url)
        stops(shop, products(20_000), r"answered 401.*elasticsearch\.api_key")
    assert denied
    assert shop.embedded() == []


def test_a_server_that_refuses_every_text_costs_one_batch(open_shop: OpenShop) -> None:
    def refuse(request: dict[str, Any], _number: int) -> Any:
        is_product = any(text.startswith("Product") for text in request["input"])
        return json_answer(400, {"error": "not this"}) if is_product else None

    shop = open_shop(fault=refuse)
    stops(shop, products(20_000), "all of the first 8 documents were refused: its text is not")
    assert len({*shop.embedded()}) == BATCH


def test_a_wrong_decimal_separator_is_noticed_before_anything_is_embedded(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    rows = [row | {"price": f"{n},99"} for n, row in enumerate(products(20_000))]
    error = stops(shop, rows, "100 rows in a row were rejected; the last: .*decimal separator")
    assert isinstance(error, TooManyRejected)
    assert shop.embedded() == []
    assert shop.tally.rows < 1_100


def test_one_bad_row_in_a_thousand_does_not_stop_it(open_shop: OpenShop) -> None:
    shop = open_shop(embedding={"batch_size": 128})
    rows = products(4_000)
    bad = {500, 1_500, 2_500, 3_500}
    for n in bad:
        rows[n]["price"] = "12,99"
    tally = shop.load(rows)
    assert (tally.created, tally.rejected) == (3_996, 4)
    assert {letter["id"] for letter in shop.dead_letters} == {f"P{n}" for n in bad}
    assert {*shop.stored()} == {f"P{n}" for n in range(4_000)} - {f"P{n}" for n in bad}
