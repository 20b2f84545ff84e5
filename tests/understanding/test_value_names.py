from __future__ import annotations

from time import process_time

import pytest

from es_hybrid.understanding.value_names import ValueNames

VALUES = {
    "brand": {"Nike": 9, "耐克": 4, "Seagate Technology": 5, "Black & Decker": 3, "Fontdoré": 2,
              "Orange": 2, "Princess": 2, "PC": 1},
    "category": {"Apparel": 9, "Apparel > T-Shirts": 5, "Sport > Running Shoes": 3,
                 "Photo > Cameras": 2, "Sale > Cameras": 1, "1": 1, "PC": 1},
    "attributes.colour": {"Black": 30, "Black,Silver": 3, "Noir / Blanc": 4, "Schwarz": 4,
                          "Weiß": 2, "Negro": 4, "黑色": 4, "Orange": 2, "Gold": 1, "Rot": 1},
    "attributes.backlight_colour": {"Black": 1},
    "attributes.cable_colour": {"Black": 2},
    "attributes.size": {"42": 1},
}  # fmt: skip
COUNTS = {"nike": 10, "seagate": 5, "technology": 90, "black": 40, "decker": 3, "princess": 20,
          "gold": 60, "rot": 2}  # fmt: skip
NAMES = ValueNames(VALUES, COUNTS, frozenset(["de", "en", "fr", "es"]))


def _found(query: str) -> list[tuple[str, str]]:
    return [(each.condition.kind, each.condition.text) for each in NAMES.conditions(query)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("NIKE shirt", [("brand", "NIKE")]),
        ("fontdore", [("brand", "fontdore")]),
        ("seagate 2tb", [("brand", "seagate")]),
        ("Seagate Technology 2tb", [("brand", "Seagate Technology")]),
        ("black & decker drill", [("brand", "black & decker")]),
        ("black drill", [("colour", "black")]),
        ("silver drill", [("colour", "silver")]),
        ("schwarze Hose", [("colour", "schwarze")]),
        ("robe blanche noire", [("colour", "blanche"), ("colour", "noire")]),
        ("camisa negra", [("colour", "negra")]),
        ("weisse Hose", [("colour", "weisse")]),
        ("黑色耐克鞋", [("colour", "黑色"), ("brand", "耐克")]),
        (
            "white nike running shoe",
            [("colour", "white"), ("brand", "nike"), ("category", "running shoe")],
        ),
        ("running shoes nike", [("category", "running shoes"), ("brand", "nike")]),
        ("men's running shoes", [("category", "running shoes")]),
        ("nike running shoes women", [("brand", "nike"), ("category", "running shoes")]),
        ("t shirts for men", [("category", "t shirts")]),
        ("rotes Kleid", [("colour", "rotes")]),
        ("red dress", [("colour", "red")]),
        ("красное платье", [("colour", "красное")]),
        ("红色连衣裙", [("colour", "红色")]),
        ("digital camera", [("category", "camera")]),
    ],
)
def test_names_in_a_query(query: str, found: list[tuple[str, str]]) -> None:
    assert _found(query) == found


@pytest.mark.parametrize(
    "query",
    ["camera case", "bag for camera", "gold connector", "purple", "princess doll", "orange", "pc",
     "rotor", "technology", "decker", "1", "42", "unnike", "nike " * 31],
)  # fmt: skip
def test_what_stays_search_words(query: str) -> None:
    assert _found(query) == []


def test_a_name_stands_for_all_its_values() -> None:
    ((black,), (cameras,)) = (list(NAMES.conditions(query)) for query in ("black", "cameras"))
    # A backlight is a part. All languages have words for black.
    assert {field: set(values) for field, values in black.condition.values.items()} == {
        "attributes.colour": {"Black", "Black,Silver", "Noir / Blanc", "Schwarz", "Negro", "黑色"},
        "attributes.cable_colour": {"Black"},
    }
    assert cameras.condition.values == {"category": ("Photo > Cameras", "Sale > Cameras")}
    assert black.condition.effect == "boost"


def test_many_names_take_no_time() -> None:
    many = {"brand": {f"Brand {number} of {number % 97}": 1 for number in range(20_000)}}
    began = process_time()
    names = ValueNames(many, {}, frozenset())
    assert process_time() - began < 2
    began = process_time()
    assert len(list(names.conditions("the brand 77 of 77 " * 5))) == 5
    assert process_time() - began < 0.05
