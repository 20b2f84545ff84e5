"""Numbers with units, compared across languages."""

from __future__ import annotations

import itertools

import pytest

from es_hybrid.align.compare.quantities import clash, marks, quantities


def _texts(text: str) -> list[str]:
    return [f"{quantity.text} {quantity.dimension}" for quantity in quantities(text)]


@pytest.mark.parametrize(
    "same",
    [
        ["1.7 L", "1700 ml", "1,7 л", "1.7升", "1,700ml", "1 l and 1.7 Liter", "1\u00a0700 ml"],
        ["500g", "0,5 kg", "500 克", "0.5千克", "一袋500克装", "500 г"],
        ["15.6 inch", '15,6"', "15.6英寸", "15,6 Zoll", "39.6 cm", "15.6インチ", "15.6 in"],
        ["220-240V", "220~240 V", "240 volts", "240伏"],
        ["30 x 40 cm", "300×400 mm", "30*40厘米"],
        ["16 MB", "16 Mo", "16MB"],
        ["1.5m", "1,5 Meter", "1.5米", "150cm"],
        ["2000 mAh", "2.000 mAh", "2 Ah", "2000毫安时"],
        ["12-teilig", "12 pieces", "12 pièces", "12 piezas", "12件套"],
    ],
)  # fmt: skip
def test_one_quantity_in_many_ways(same: list[str]) -> None:
    for one, other in itertools.combinations(same, 2):
        assert quantities(one), one
        assert quantities(other), other
        assert clash(quantities(one), quantities(other)) == "", (one, other)


@pytest.mark.parametrize(
    ("left", "right", "named"),
    [
        ("Kettle 1.7 L", "Wasserkocher 1,5 l", "1.7 l / 1,5 l"),
        ("电热水壶 1.7升", "Kettle 1500 ml", "1.7 升 / 1500 ml"),
        ("Scale 5kg/0.1g", "Waage 10 kg, 1 g", "5 kg / 10 kg"),
        ('Monitor 17"', "19インチモニター", '17 " / 19 インチ'),
    ],
)
def test_quantities_that_contradict_are_named(left: str, right: str, named: str) -> None:
    assert clash(quantities(left), quantities(right)) == named


@pytest.mark.parametrize(
    "text",
    ["3 in 1 cable", "3-in-1", "für 3 bis 12 Jahre", "de 3 a 12 años", "iPhone 15", "7 l'eau",
     "A4", "WH-1000XM4", "5 minutes", "3 mlle", "４K"],
)  # fmt: skip
def test_a_number_that_measures_nothing(text: str) -> None:
    assert _texts(text) == []


def test_what_one_title_leaves_out_is_no_contradiction() -> None:
    left = quantities("Kettle 1.7 L, 2200 W")
    assert clash(left, quantities("Wasserkocher 2200 Watt")) == ""
    assert clash(left, quantities("Wasserkocher")) == ""
    assert clash(left, quantities("2200W, 0.75 m cable, 1,7 Liter")) == ""


def test_marks_are_what_every_language_has() -> None:
    assert marks("索尼 WH-1000XM4 无线降噪耳机 Bluetooth 5.0, 20 小时") == {
        "wh-1000xm4", "bluetooth", "5.0", "20",
    }  # fmt: skip
    assert marks("Café 1,7 L N° 5") == {"cafe", "n", "5"}
