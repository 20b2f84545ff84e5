from __future__ import annotations

from dataclasses import replace

from es_hybrid.index.shop_fields import shop_fields
from es_hybrid.retrieval.compile.conditions import condition_clauses, has_prices, preferred
from es_hybrid.understanding.condition import Condition
from tests.retrieval.compile.test_shop import PASSPORT

PRICE = Condition(
    kind="price", text="unter 50 €", filters={"price": {"lt": 50.0}, "currency": "EUR"}
)
STRIPES = Condition(kind="without", text="without stripes", excluded=("stripes",), language="en")


def _shop(**properties: str):  # type: ignore[no-untyped-def]
    mapped = {name: {"type": kind} for name, kind in properties.items()}
    return replace(PASSPORT, shop=shop_fields(mapped, {"title": "name", "price": "amount"}))


def test_prices_are_filters_of_the_product_s_fields() -> None:
    assert condition_clauses([PRICE], PASSPORT) == [
        {"range": {"price": {"lt": 50.0}}},
        {"term": {"currency": "EUR"}},
    ]
    assert list(preferred([PRICE], PASSPORT)) == []


def test_a_shop_s_own_fields() -> None:
    shop = _shop(name="text", amount="float")
    assert has_prices(shop)
    # It has no field for the currency.
    assert condition_clauses([PRICE], shop) == [{"range": {"amount": {"lt": 50.0}}}]
    (clause,) = condition_clauses([STRIPES], shop)
    assert "'name'" in repr(clause)
    assert "'title'" not in repr(clause)


def test_a_price_that_is_no_number_cannot_be_compared() -> None:
    assert not has_prices(_shop(name="text"))
    assert not has_prices(_shop(name="text", amount="keyword"))
    assert has_prices(PASSPORT)


def test_what_denies_the_unwanted_comes_first() -> None:
    (clause,) = preferred([STRIPES], PASSPORT)
    assert clause["constant_score"]["boost"] == 2.0
    assert "stripe" in repr(clause)
