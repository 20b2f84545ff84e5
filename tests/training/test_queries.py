"""Generated queries and the grades of products."""

import random
import re

import pytest

from training.catalogue import Item
from training.data import CHORUS
from training.lexicon import LANGUAGES, Family, Lexicon, Modifier
from training.queries import Wanted, judged_texts, make_queries, normal

WIRELESS = Modifier(
    re.compile(r"\bwireless\b"),
    {
        "en": "wireless",
        "zh": "无线",
        "ja": "無線",
        "de": "kabellos",
        "fr": "sans fil",
        "es": "sin cable",
    },
)


def item(title: str, *, kind: str = "", families: frozenset[int] = frozenset()) -> Item:
    return Item(
        id=title,
        text=f"{title}. More about it",
        title=title.lower(),
        brand=title.split()[0].lower(),
        kind=kind,
        families=families,
    )


MOUSE = item("Dell Wireless MS1 mouse", kind="mouse", families=frozenset([0]))
PAD = item("Dell mouse pad", kind="mouse pad")
UNKNOWN = item("Dell MS9")


def test_another_kind_gets_zero_and_an_unknown_kind_no_grade() -> None:
    mouse = Wanted(family=0)

    assert mouse.grade(MOUSE) == 1
    assert mouse.grade(PAD) == 0
    assert mouse.grade(UNKNOWN) is None


@pytest.mark.parametrize(
    ("wanted", "grade"),
    [
        (Wanted(family=0, brand="dell"), 1),
        (Wanted(family=0, brand="hp"), 0.3),
        (Wanted(brand="hp"), 0),
        (Wanted(family=0, modifier=WIRELESS, model="ms1"), 1),
        (Wanted(family=0, model="ms2"), 0.25),
        (Wanted(words=frozenset(["wireless", "mouse"])), 1),
        (Wanted(words=frozenset(["wireless", "keyboard"])), 0.25),
        (Wanted(kinds=frozenset(["mouse pad"])), 0),
    ],
)
def test_missing_properties_lower_the_grade(wanted: Wanted, grade: float) -> None:
    assert wanted.grade(MOUSE) == pytest.approx(grade)


def test_a_modifier_follows_the_word_order_of_the_language() -> None:
    assert WIRELESS.of("mouse", "en") == "wireless mouse"
    assert WIRELESS.of("鼠标", "zh") == "无线鼠标"
    assert WIRELESS.of("souris", "fr") == "souris sans fil"


def test_normalising_finds_judged_queries_in_other_spellings() -> None:
    assert normal("Bluetooth-Speakers!") == normal("bluetooth speaker")
    assert normal("USB メモリ") == normal("usbメモリ")


@pytest.mark.skipif(not CHORUS.exists(), reason=f"{CHORUS} is not there")
def test_the_same_seed_makes_the_same_queries_and_no_judged_one() -> None:
    names = dict(zip(LANGUAGES, [("mouse", "optical mouse")] + [("鼠标",)] * 5, strict=True))
    families = [Family(frozenset(["mouse"]), None, names)]
    lexicon = Lexicon(
        families=families,
        modifiers=[WIRELESS],
        measures=[],
        frames={},
        brands={"dell": {"zh": "戴尔", "ja": "デル"}},
    )
    items = [MOUSE, item("HP mouse X3 black", kind="mouse", families=frozenset([0])), PAD] * 400

    made = make_queries(items, lexicon, random.Random(3))

    assert made == make_queries(items, lexicon, random.Random(3))
    texts = {normal(query.text) for query in made}
    assert normal("optical mouse") in texts
    assert {normal("戴尔"), normal("dell"), normal("戴尔 鼠标"), normal("dell 鼠标")} <= texts
    assert normal("mouse") in judged_texts()
    assert not texts & judged_texts()
