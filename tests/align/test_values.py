"""Which values mean the same, by counts alone."""

from __future__ import annotations

import random
from collections.abc import Iterable

from es_hybrid.align.records import PairRecord
from es_hybrid.align.values import GroupedProduct, ValueEvidence
from es_hybrid.settings import AlignSettings

# Language -> the values of a product in it.
Group = dict[str, str | set[str]]


def _evidence(groups: Iterable[Group], **options: int) -> ValueEvidence:
    evidence = ValueEvidence(**options)
    for number, group in enumerate(groups):
        products = []
        for lang, values in group.items():
            found = frozenset({values} if isinstance(values, str) else values)
            tag = lang.partition("/")[0]  # `en/2`: another product in English
            products.append(GroupedProduct(f"{number}-{lang}", f"Shoe {lang}", tag, {"f": found}))
        evidence.add(f"g{number}", products)
    return evidence


def _decided(groups: Iterable[Group]) -> dict[tuple[str, str], PairRecord]:
    records = _evidence(groups).records(AlignSettings())
    return {(record.left_title, record.right_title): record for record in records}


def test_values_that_replace_each_other_are_merged_from_four_groups_on() -> None:
    group: Group = {"en": "Nike", "fr": "Nike", "zh": "耐克"}
    for count, decision in ((1, "review"), (3, "review"), (4, "merge"), (9, "merge")):
        record = _decided([group] * count)["Nike", "耐克"]
        assert record.decision == decision, count
        assert record.score == (count + 0.5) / (count + 1)
    assert record.rule == "score >= 0.9: groups 9, such as g0, 1.00 and 1.00 of those possible"
    assert (record.left_lang, record.category, record.scorer) == ("en,fr", "f", "groups")
    assert {name: place.rank for name, place in record.stages.items()} == {"left": 1, "right": 1}


def test_a_value_that_is_with_several_is_none_of_them() -> None:
    # A maker's name in one language, its two brands in the other.
    found = _decided([{"en": "Maker", "zh": brand} for brand in ("甲", "乙") * 10])
    assert {record.decision for record in found.values()} == {"discard"}
    assert found["Maker", "甲"].score == 0.5 * 10.5 / 11


def test_some_wrong_groups_and_products_without_a_value_change_little() -> None:
    groups: list[Group] = [{"en": "Nike", "zh": "耐克"}, {"en": "Puma", "zh": "彪马"}] * 40
    groups += [{"en": "Nike", "zh": "彪马"}, {"en": "Puma", "zh": "耐克"}]
    groups += [{"en": "Nike", "zh": set()}] * 30
    found = _decided(groups)
    assert found["Nike", "耐克"].decision == found["Puma", "彪马"].decision == "merge"
    assert ("Nike", "彪马") not in found, "chance is not stored"


def test_a_few_products_of_a_wrong_language_change_little_but_a_person_decides() -> None:
    groups: list[Group] = [{"en": "Nike", "de": "Nike", "zh": "耐克"}] * 30
    record = _decided([*groups, {"en": "Nike", "de": "Nike", "zh": "Nike"}])["Nike", "耐克"]
    assert record.score > 0.9
    assert (record.decision, record.rule.partition(":")[0]) == ("review", "one language")


def test_values_of_one_language_are_never_merged_by_counts() -> None:
    groups: list[Group] = [{"en": "Nike", "en/2": "NIKE Inc."}] * 50
    record = _decided(groups)["NIKE Inc.", "Nike"]
    assert record.score > 0.98
    assert record.decision == "review"
    # Two brands on products that are not the same: each is alone in its language.
    wrong: list[Group] = [{"en": "Nike", "zh": "耐克", "en/2": "Puma"}] * 50
    assert _decided(wrong)["Nike", "Puma"].decision == "review"


def test_values_that_are_always_together_are_told_apart_by_a_person() -> None:
    both: list[Group] = [{"en": {"black", "white"}, "de": {"schwarz", "weiß"}}] * 20
    found = _decided(both)
    assert {pair: record.decision for pair, record in found.items()} == dict.fromkeys(
        [("black", "schwarz"), ("black", "weiß"), ("schwarz", "white"), ("weiß", "white")], "review"
    )
    assert {record.rule.partition(":")[0] for record in found.values()} == {"two partners"}
    alone: list[Group] = [{"en": "black", "de": "schwarz"}, {"en": "white", "de": "weiß"}]
    found = _decided([*both, *alone * 40])
    assert found["black", "schwarz"].decision == found["weiß", "white"].decision == "merge"
    assert found["black", "weiß"].decision == found["schwarz", "white"].decision == "discard"


def test_two_values_of_one_product_do_not_meet() -> None:
    assert _decided([{"en": {"Nike", "耐克"}, "zh": {"Nike", "耐克"}}] * 9) == {}


def test_a_path_means_one_of_its_own_depth() -> None:
    shoes: Group = {"en": {"Shoes", "Shoes > Running"}, "fr": {"Chaussures", "Chaussures > Course"}}
    assert list(_decided([shoes] * 5)) == [
        ("Chaussures", "Shoes"), ("Chaussures > Course", "Shoes > Running"),
    ]  # fmt: skip


def test_values_are_described_for_a_person() -> None:
    evidence = _evidence([{"en": "Nike", "de": "Nike", "zh": "耐克"}] * 2)
    nike, chinese = evidence.values()
    assert (nike.id, nike.title, nike.lang, nike.category) == ("f=Nike", "Nike", "de,en", ("f",))
    assert nike.attributes == {"en": "2", "de": "2"}
    assert chinese.description == "Shoe zh (0-zh) | Shoe zh (1-zh)"


def test_memory_is_bounded_and_what_is_frequent_survives() -> None:
    chance = random.Random(1)
    groups: list[Group] = [
        {"en": "Nike", "zh": "耐克"} if number % 5 == 0
        else {"en": f"brand {chance.random()}", "zh": f"品牌 {chance.random()}"}
        for number in range(2000)
    ]  # fmt: skip
    evidence = _evidence(groups, max_pairs=50)
    assert len(evidence._met) <= 50
    (best, *_) = evidence.records(AlignSettings())
    assert (best.left_title, best.right_title, best.decision) == ("Nike", "耐克", "merge")
    assert "groups 400," in best.rule


def test_thresholds_may_differ_by_field() -> None:
    settings = AlignSettings.model_validate({"thresholds": {"f": {"merge": 0.7, "review": 0.5}}})
    (record,) = _evidence([{"en": "Nike", "zh": "耐克"}]).records(settings)
    assert (record.decision, record.score) == ("merge", 0.75)
