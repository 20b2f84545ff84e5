from __future__ import annotations

from dataclasses import replace

from es_hybrid.index.shop_fields import shop_fields
from es_hybrid.retrieval.compile.conditions import (
    condition_clauses,
    has_prices,
    nearest_clauses,
    preferred,
)
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


def test_an_exclusion_reads_fields_that_keep_every_word() -> None:
    # Of `no stripes` English analysis keeps `stripe`, which would deny what it names.
    (clause,) = condition_clauses([STRIPES], replace(PASSPORT, languages=("en",)))
    assert "title.en" not in repr(clause)
    assert "'category.text'" in repr(clause)


def test_a_price_that_is_no_number_cannot_be_compared() -> None:
    assert not has_prices(_shop(name="text"))
    assert not has_prices(_shop(name="text", amount="keyword"))
    assert has_prices(PASSPORT)


def test_what_denies_the_unwanted_comes_first() -> None:
    (clause,) = preferred([STRIPES], PASSPORT)
    assert clause["constant_score"]["boost"] == 2.0
    assert "stripe" in repr(clause)


SIZE = Condition(
    kind="size", text="size 42", effect="boost", values={"attributes.size": ("42", "41-43")}
)
BRAND = Condition(kind="brand", text="nike", effect="boost", values={"brand": ("Nike",)})
COLOUR = Condition(
    kind="colour",
    text="red",
    effect="boost",
    values={"attributes.colour": ("Red",), "attributes.strap_colour": ("red", "Red")},
)
SHIRTS = Condition(
    kind="category", text="shirts", effect="boost", values={"category": ("Apparel > Shirts",)}
)


def test_a_colour_keeps_neighbours_that_state_none() -> None:
    assert nearest_clauses([SIZE, BRAND, COLOUR, PRICE, STRIPES], PASSPORT) == [
        {
            "bool": {
                "should": [
                    {"terms": {"attributes.colour": ["Red"]}},
                    {"terms": {"attributes.strap_colour": ["red", "Red"]}},
                    {
                        "bool": {
                            "must_not": [
                                {"exists": {"field": "attributes.colour"}},
                                {"exists": {"field": "attributes.strap_colour"}},
                            ]
                        }
                    },
                ]
            }
        }
    ]


def test_a_named_value_adds_to_the_score() -> None:
    brand, colour = preferred([BRAND, COLOUR], PASSPORT)
    assert brand["constant_score"]["filter"] == {"terms": {"brand": ["Nike"]}}
    assert colour["constant_score"]["filter"] == {
        "bool": {
            "should": [
                {"terms": {"attributes.colour": ["Red"]}},
                {"terms": {"attributes.strap_colour": ["red", "Red"]}},
            ]
        }
    }


def test_values_in_a_shop_s_own_fields() -> None:
    facts = {"type": "object", "properties": {"size": {"type": "text"}}}
    mapped = {"maker": {"type": "keyword"}, "kind": {"type": "keyword"}, "facts": facts}
    names = {"brand": "maker", "category": "kind", "attributes": "facts"}
    shop = replace(PASSPORT, shop=shop_fields(mapped, names))
    brand, category = preferred([BRAND, SHIRTS], shop)
    assert brand["constant_score"]["filter"] == {"terms": {"maker": ["Nike"]}}
    # Its categories may be paths, or their steps one by one.
    kinds = ["Apparel > Shirts", "Shirts"]
    assert category["constant_score"]["filter"] == {"terms": {"kind": kinds}}
    (size,) = preferred([SIZE], shop)
    sizes = [{"terms": {field: ["42", "41-43"]}} for field in ("facts.size", "facts.size.keyword")]
    assert size["constant_score"]["filter"] == {"bool": {"should": sizes}}
    assert condition_clauses([SIZE, BRAND], shop) == []
