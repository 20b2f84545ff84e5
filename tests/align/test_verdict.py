"""Thresholds, and the rules that override them."""

from __future__ import annotations

import pytest

from es_hybrid.align.compare.facts import compare, facts_of
from es_hybrid.align.verdict import PairVerdict, verdict
from es_hybrid.records import Product
from es_hybrid.settings.align import AlignSettings, Thresholds

GTIN, OTHER_GTIN = "4006381333931", "96385074"


def _decided(
    left: Product, right: Product, score: float, *, same_side: bool = True, merge: float = 0.9
) -> PairVerdict:
    a, b = facts_of(left), facts_of(right)
    limits = Thresholds(merge=merge, review=0.7)
    return verdict(a, b, compare(a, b), score, limits, same_side=same_side)


def _product(title: str = "Kettle", **fields: object) -> Product:
    return Product(id="1", title=title, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("score", "decision", "rule"),
    [
        (0.95, "merge", "score >= 0.9"),
        (0.9, "merge", "score >= 0.9"),
        (0.89, "review", "0.7 <= score < 0.9"),
        (0.7, "review", "0.7 <= score < 0.9"),
        (0.69, "discard", "score < 0.7"),
    ],
)
def test_thresholds(score: float, decision: str, rule: str) -> None:
    assert _decided(_product(), _product(), score) == (score, decision, rule)


def test_an_equal_gtin_merges_with_any_score() -> None:
    found = _decided(_product(gtin=(GTIN,)), _product(gtin=("0" + GTIN,)), 0.01)
    assert found == (0.99, "merge", "gtin equal")


def test_different_gtins_are_discarded_with_any_score() -> None:
    found = _decided(_product(gtin=(GTIN,)), _product(gtin=(OTHER_GTIN,)), 0.99)
    assert found == (0.1, "discard", "gtin conflict")
    one_of_two = _product(gtin=(GTIN, OTHER_GTIN))
    assert _decided(one_of_two, _product(gtin=(GTIN,)), 0.5).rule == "gtin equal"


def test_a_number_with_a_wrong_check_digit_says_nothing() -> None:
    wrong = _product(gtin=("4006381333932",))
    assert _decided(wrong, wrong, 0.5).rule == "score < 0.7"


def test_quantities_that_contradict_cap_the_score_and_are_named() -> None:
    found = _decided(_product("Kettle 1.7 L"), _product("电热水壶 1.5升"), 0.98)
    assert found == (0.1, "discard", "numbers differ: 1.7 l / 1.5 升")


def test_an_equal_gtin_with_another_quantity_is_for_a_person() -> None:
    left, right = _product("Kettle 1.7 L", gtin=(GTIN,)), _product("Kettle 1.5 L", gtin=(GTIN,))
    score, decision, rule = _decided(left, right, 0.98)
    assert (decision, rule) == ("review", "gtin equal, but numbers differ: 1.7 l / 1.5 l")
    assert 0.7 <= score < 0.9


def test_a_sku_names_the_product_in_one_catalogue_and_with_its_brand_in_two() -> None:
    left, right = _product(sku="AB-12", brand="Acme"), _product(sku="ab12", brand="ACME")
    assert _decided(left, right, 0.2).rule == "sku equal"
    assert _decided(left, right, 0.2, same_side=False).rule == "brand and sku equal"
    nameless = _product(sku="AB-12")
    assert _decided(nameless, nameless, 0.2, same_side=False).decision == "discard"
    assert _decided(_product(), _product(), 0.2).decision == "discard"


def test_thresholds_and_instructions_go_by_category() -> None:
    settings = AlignSettings.model_validate(
        {"thresholds": {"Toys": {"merge": 0.95, "review": 0.8}}}
    )
    assert settings.thresholds_of("Toys").merge == 0.95
    assert settings.thresholds_of("Kitchen").merge == settings.thresholds_of("").merge == 0.9
    with pytest.raises(ValueError, match="review is above merge"):
        AlignSettings(merge=0.5)
