from __future__ import annotations

from typing import Any

import pytest

from ingest.cleaning.category import paths_of
from ingest.cleaning.problems import FieldProblem, FieldWarning


def read(value: Any, separator: str = "") -> tuple[tuple[str, ...], ...]:
    warnings: list[FieldWarning] = []
    paths = paths_of(separator, value, warnings.append)
    assert warnings == []
    return paths


MUGS = (("Home", "Kitchen", "Mugs"),)


@pytest.mark.parametrize(
    "text",
    [
        "Home > Kitchen > Mugs", "Home>Kitchen>Mugs", "Home &gt; Kitchen &gt; Mugs >",
        "Home -> Kitchen -> Mugs", "Home => Kitchen => Mugs", "Home >> Kitchen >> Mugs",
        "Home › Kitchen › Mugs", "Home » Kitchen » Mugs", "Home → Kitchen → Mugs",
        "Home :: Kitchen :: Mugs", "Home::Kitchen::Mugs", "Home | Kitchen | Mugs",
        "Home|Kitchen|Mugs", "Home / Kitchen / Mugs", '["Home", "Kitchen", "Mugs"]',
        "['Home', 'Kitchen', 'Mugs']", '["Home > Kitchen > Mugs"]',
    ],
)  # fmt: skip
def test_the_usual_separators(text: str) -> None:
    assert read(text) == MUGS


@pytest.mark.parametrize(
    "name",
    [
        "T-Shirts", "TV/Video", "Caps, Winter", "Bowls - large", "Men's & Women's", "A+B", "7 < 8",
        "[Outlet]", "Car: parts",
    ],
)  # fmt: skip
def test_a_name_is_one_step(name: str) -> None:
    assert read(name) == ((name,),)


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("Clothing > Caps, Winter", (("Clothing", "Caps"), ("Winter",))),
        ("Accessories, Clothing > Belts", (("Accessories",), ("Clothing", "Belts"))),
        ("Clothing > Caps | Outdoor > Hats", (("Clothing", "Caps"), ("Outdoor", "Hats"))),
        ("Clothing > Caps; Clothing > Caps", (("Clothing", "Caps"),)),
        (r"Home > Pots\, Pans, Sale", (("Home", "Pots, Pans"), ("Sale",))),
        (
            "Food, Beverages & Tobacco > Food Items",
            (("Food, Beverages & Tobacco", "Food Items"),),
        ),
        (["Clothing > Caps", "Winter"], (("Clothing", "Caps"), ("Winter",))),
        ([["Clothing", "Caps"], ["Winter"]], (("Clothing", "Caps"), ("Winter",))),
        (["Home", None, "NULL", "Mugs"], (("Home", "Mugs"),)),
        ("Home > - > Mugs", (("Home", "Mugs"),)),
        ("", ()),
        ("[]", ()),
        (None, ()),
    ],
)
def test_several_paths(value: Any, paths: tuple[tuple[str, ...], ...]) -> None:
    assert read(value) == paths


def test_a_separator_of_the_shop_is_the_only_one() -> None:
    assert read("A / B > C", "/") == (("A", "B > C"),)
    assert read("A|B, C|D", "|") == (("A", "B, C", "D"),)


def test_what_elasticsearch_would_refuse() -> None:
    with pytest.raises(FieldProblem) as error:
        read(["x" * 33_000])
    assert error.value.message == "33,003 bytes, Elasticsearch allows 32,766"
