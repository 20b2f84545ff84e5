from __future__ import annotations

from time import process_time

import pytest

from es_hybrid.understanding.sizes import sizes

SHOES = {"attributes.size": dict.fromkeys(("42", "38-39", "EU44", "US 8.5", "44×28 cm"), 1)}
SHIRTS = {"attributes.Größe": {"L (175/96A)": 2, "M": 1, "XXL": 1, "Women's 8 / Men's 6.5": 1}}
SIZES = {**SHOES, **SHIRTS, "attributes.screen_size": {"42": 9}}


@pytest.mark.parametrize(
    ("query", "text", "values"),
    [
        ("running shoes size 42", "size 42", {"attributes.size": ("42",)}),
        ("Laufschuhe Größe 42 rot", "Größe 42", {"attributes.size": ("42",)}),
        ("Laufschuhe Gr. 42", "Gr. 42", {"attributes.size": ("42",)}),
        ("chaussures taille 39", "taille 39", {"attributes.size": ("38-39",)}),
        ("zapatos talla 38.5", "talla 38.5", {"attributes.size": ("38-39",)}),
        ("跑鞋男 44码", "44码", {"attributes.size": ("EU44",)}),
        ("shoes size EU 44", "size EU 44", {"attributes.size": ("EU44",)}),
        ("shoes size 8,5", "size 8,5", {"attributes.size": ("US 8.5",)}),
        ("尺码L T恤", "尺码L", {"attributes.Größe": ("L (175/96A)",)}),
        ("Lサイズ シャツ", "Lサイズ", {"attributes.Größe": ("L (175/96A)",)}),
        ("shirt in size m", "in size m", {"attributes.Größe": ("M",)}),
        ("shirt size 2XL", "size 2XL", {"attributes.Größe": ("XXL",)}),
        ("dress size 8", "size 8", {"attributes.Größe": ("Women's 8 / Men's 6.5",)}),
    ],
)
def test_a_size_with_its_label(query: str, text: str, values: dict[str, tuple[str, ...]]) -> None:
    (found,) = sizes(query, SIZES)
    assert query[found.start : found.end].strip() == text == found.condition.text
    assert (found.condition.kind, found.condition.effect) == ("size", "boost")
    assert found.condition.values == values


@pytest.mark.parametrize(
    "query",
    ["shoes 42", "size 47 shoes", "monitor screen size 42", "size 42mm bolts", "size 42 cm",
     "size 38-42", "size 42 x 28", "size 8 1/2 x 11", "размер 42 мм", "one size shirt", "sizes",
     "grosse 42 kg", "box size 28", "L shirt", "Größe S", "downsize 42"],
)  # fmt: skip
def test_what_stays_search_words(query: str) -> None:
    assert list(sizes(query, SIZES)) == []


def test_a_catalogue_without_sizes() -> None:
    assert list(sizes("shoes size 42", {"brand": {"42": 1}})) == []


def test_many_sizes_take_milliseconds() -> None:
    values = {"attributes.size": {f"{number} cm x {number} / A": 1 for number in range(20_000)}}
    began = process_time()
    assert list(sizes("size 42 " * 125, values)) == []
    assert process_time() - began < 2
