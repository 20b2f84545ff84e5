"""Queries that are still being typed."""

from __future__ import annotations

import pytest

from es_hybrid.understanding import spelling
from es_hybrid.understanding.unfinished import readings_of, split_unfinished
from es_hybrid.understanding.vocabulary import Vocabulary

WORDS = Vocabulary(
    {
        "headphone": 20, "headphones": 300, "header": 40, "keyboard": 90, "wireless": 500,
        "mouse": 80, "samsung": 240, "mütze": 9, "muffin": 3, "écran": 30, "ecru": 2, "usb": 400,
        "cable": 300, "무선": 12, "t-shirt": 5, "calculator": 7,
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "before", "last"),
    [
        ("head", "", "head"),
        ("wireless mou", "wireless ", "mou"),
        ("usb-c", "usb-", "c"),
        ("c++", "", "c"),
        ("小米 无线耳", "小米 ", "无线耳"),
        ("无线usb", "无线", "usb"),
        ("usb无线", "usb", "无线"),
        ("!?", "!?", ""),
        ("", "", ""),
    ],
)
def test_the_last_word_is_unfinished(text: str, before: str, last: str) -> None:
    assert split_unfinished(text) == (before, last)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("head", []),
        ("hea", []),
        ("headf", ["headp", "heade"]),
        ("samsng", ["samsun"]),
        ("smasu", ["samsu"]),
        ("zamsu", ["samsu"]),
        ("keybaord", ["keyboard"]),
        ("calcluatro", ["calculator"]),
        ("wirelss mou", ["wireless mou"]),
        ("wirelss keybo", ["wireless keybo"]),
        ("muet", ["mütz"]),
        ("mu", ["mü"]),
        ("ecr", ["écr"]),
        ("écr", ["ecr"]),
        ("무서", ["무선"]),
        ("usbcable", ["usb cable"]),
        ("xyz", []),
        ("sms", []),
        ("KX-4820", []),
        ("无线耳", []),
    ],
)
def test_other_readings(text: str, others: list[str]) -> None:
    assert readings_of(text, WORDS) == [text, *others]


def test_there_are_at_most_four() -> None:
    many = Vocabulary({f"ab{letter}cdef": 1 for letter in "ghijklmn"})
    assert len(readings_of("abxcd", many)) == 4


def test_without_words_of_the_catalogue_there_is_one() -> None:
    assert readings_of("wirelss mosue", Vocabulary({})) == ["wirelss mosue"]


def test_the_lists_of_common_words_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "is_common_in", pytest.fail)
    assert readings_of("wirelss mouze", WORDS) == ["wirelss mouze", "wireless mouse"]
