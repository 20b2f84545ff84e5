from __future__ import annotations

from collections import Counter

import pytest

from es_hybrid.records import Product
from es_hybrid.understanding.product_values import (
    attribute_kind,
    merged,
    values_by_field,
    values_in,
)


@pytest.mark.parametrize(
    "name",
    ["colour", "Color", "product_colour", "Farbe", "couleur du produit", "variant.cableColour",
     "COLOR", "Цвет", "颜色", "颜色分类", "色", "本体カラー", "색상", "colour of product"],
)  # fmt: skip
def test_attributes_that_are_colours(name: str) -> None:
    assert attribute_kind(name) == "colour"


@pytest.mark.parametrize(
    "name",
    ["size", "Größe", "GROESSE", "shoe_size", "option.ShoeSize", "Taille", "talla", "尺码",
     "サイズ", "размер"],
)  # fmt: skip
def test_attributes_that_are_sizes(name: str) -> None:
    assert attribute_kind(name) == "size"


@pytest.mark.parametrize(
    "name",
    ["screen_size", "colour_ink_volume", "display_number_of_colours", "colour depth", "material",
     "size chart", "尺寸", "色温", "", "..", "🎨"],
)  # fmt: skip
def test_attributes_that_are_neither(name: str) -> None:
    assert attribute_kind(name) is None


def test_the_values_of_a_product() -> None:
    shirt = Product(
        id="1", title="Shirt", brand="Acme", category=("Apparel", "Shirts"),
        other_categories=(("Sale",),),
        attributes={"colour": ("Red", "Blue"), "size": "42", "cut": "slim", "full_color": "True"},
    )  # fmt: skip
    assert set(values_in(shirt)) == {
        ("brand", "Acme"), ("category", "Apparel"), ("category", "Apparel > Shirts"),
        ("category", "Sale"), ("attributes.colour", "Red"), ("attributes.colour", "Blue"),
        ("attributes.size", "42"),
    }  # fmt: skip


def test_the_most_common_values_and_attributes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.understanding.product_values._MAX_VALUES", 2)
    monkeypatch.setattr("es_hybrid.understanding.product_values._MAX_ATTRIBUTES", 1)
    counts = Counter(
        {
            ("brand", "A"): 1, ("brand", "B"): 3, ("brand", "C"): 2, ("brand", ""): 9,
            ("brand", "x" * 201): 9, ("attributes.color", "red"): 1, ("attributes.farbe", "rot"): 2,
        }
    )  # fmt: skip
    assert values_by_field(counts) == {"attributes.farbe": {"rot": 2}, "brand": {"B": 3, "C": 2}}


def test_the_values_of_two_indices_are_added() -> None:
    assert merged({"brand": {"A": 1}}, {"brand": {"A": 2, "B": 1}, "category": {"C": 1}}) == {
        "brand": {"A": 3, "B": 1},
        "category": {"C": 1},
    }
