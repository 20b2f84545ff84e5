"""Questions that are asked, and the classes that come of the answers."""

from __future__ import annotations

from es_hybrid.align.classes import asked_once, value_classes
from es_hybrid.align.groups import GroupMember
from es_hybrid.align.records import PairOutcome, PairRecord
from es_hybrid.records import Product
from es_hybrid.understanding.value_classes import ValueClass


def _record(left: str, right: str, decision: PairOutcome = "review") -> PairRecord:
    return PairRecord(
        left_id=left, left_title=left, left_lang="", right_id=right, right_title=right,
        right_lang="", score=0.8, decision=decision, rule="seen", scorer="groups", stages={},
        time="",
    )  # fmt: skip


def _asked(
    pairs: list[str],
    classes: dict[str, str] | None = None,
    decided: dict[tuple[str, str], bool] | None = None,
) -> dict[str, str]:
    names = {GroupMember("left", value): name for value, name in (classes or {}).items()}
    found = asked_once((_record(*pair) for pair in pairs), names, decided or {})
    return {"".join(each.pair): f"{each.decision} {each.rule}" for each in found}


def test_a_question_that_others_answer_is_not_asked() -> None:
    assert _asked(["ab", "bc", "ac", "cd"]) == {
        "ab": "review seen",
        "bc": "review seen",
        "ac": "discard other answers decide: seen",
        "cd": "review seen",
    }
    # a and b are in one class already.
    assert _asked(["ab", "ac", "bc"], {"a": "A", "b": "A"}) == {
        "ab": "merge in one class by others: seen",
        "ac": "review seen",
        "bc": "discard other answers decide: seen",
    }


def test_what_a_person_rejected_is_not_asked_again_for_others_of_both_classes() -> None:
    found = _asked(["ac", "bc", "bd"], {"a": "A", "b": "A"}, {("a", "c"): False})
    assert found["ac"] == "review seen"  # the store shows the decision in its place
    assert found["bc"] == "discard other answers decide: seen"
    assert found["bd"] == "review seen"


def test_classes_have_a_label_for_each_language() -> None:
    values = [
        Product(id=f"{field}={text}", title=text, category=(field,), attributes=counts)
        for field, text, counts in (
            ("brand", "Nike", {"en": "9", "zh": "1"}),
            ("brand", "耐克", {"zh": "4"}),
            ("brand", "Puma", {"en": "5"}),
            ("c", "rot", {"de": "2"}),
            ("c", "red", {"en": "2"}),
        )
    ]
    names = {
        GroupMember("left", id_): name
        for id_, name in {
            "brand=Nike": "brand=Nike", "brand=耐克": "brand=Nike", "c=rot": "c=rot",
            "c=red": "c=rot",
        }.items()
    }  # fmt: skip
    assert list(value_classes(values, names)) == [
        ValueClass(
            id="brand=Nike", field="brand", labels={"en": "Nike", "zh": "耐克"},
            values=("Nike", "耐克"),
        ),
        ValueClass(
            id="c=rot", field="c", labels={"de": "rot", "en": "red"}, values=("red", "rot")
        ),
    ]  # fmt: skip
