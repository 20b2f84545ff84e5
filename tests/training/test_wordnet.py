"""Training groups from a small WordNet."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.lexicon import read_lexicon
from training.things import make_things
from training.wordnet import Thing, Things, read_things

# id, lexicographer file, words, hypernyms, gloss
SYNSETS = [
    ("00000001", "06", ["shelter"], [], 'a structure that gives cover; "a bus shelter"'),
    ("00000002", "06", ["tent"], ["00000001"], "a portable shelter (of canvas)"),
    ("00000003", "06", ["pup_tent"], ["00000002"], "a small tent"),
    ("00000004", "06", ["canopy"], ["00000001"], "a covering over a bed"),
    ("00000005", "06", ["peg"], [], "a pin that holds a tent or a rope"),
    ("00000006", "13", ["soup"], [], "liquid food"),
    ("00000007", "06", ["Eiffel_Tower"], ["00000001"], "a tower"),
    ("00000008", "05", ["dog"], [], "an animal"),
    ("00000009", "06", ["spoon"], [], "a piece of cutlery"),
    ("00000010", "06", ["knife"], [], "a piece of cutlery with a blade"),
]  # fmt: skip
TENT = "00000002"
TRANSLATIONS = {
    "wikt-cmn": ["帐篷"],
    "wikt-jpn": ["テント"],
    "wikt-deu": ["Zelt", "Unsinn"],
    "wikt-fra": ["tente"],
    "wikt-spa": ["carpa"],
}
EMPTY = ("cldr-cmn", "data-cmn", "cldr-jpn", "cldr-deu", "cldr-fra", "data-fra", "cldr-spa")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with (
        (tmp_path / "data.noun").open("w") as data,
        (tmp_path / "index.noun").open("w") as index,
    ):
        data.write("  1 This is a licence.\n")
        for id_, file, words, parents, gloss in SYNSETS:
            named = " ".join(f"{word} 0" for word in words)
            pointers = "".join(f" @ {parent} n 0000" for parent in parents)
            data.write(
                f"{id_} {file} n {len(words):02x} {named} {len(parents):03d}{pointers} | {gloss}\n"
            )
            kinds = " @" if parents else ""
            for word in words:
                index.write(f"{word.lower()} n 1 {bool(parents):d}{kinds} 1 0 {id_}\n")
    for name in (*TRANSLATIONS, *EMPTY):
        words = TRANSLATIONS.get(name, [])
        rows = [f"{TENT}-n\t{name[-3:]}:lemma\t{word}\n" for word in words]
        (tmp_path / f"wn-{name}.tab").write_text("".join(["# a title\n", *rows]))
    return tmp_path


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Everything is alike but nonsense."""
    return np.array([[0, 1] if text == "Unsinn" else [1, 0] for text in texts], dtype=np.float32)


@pytest.fixture
def things(folder: Path) -> Things:
    return read_things(encode, folder)


def test_things_that_shops_sell_have_their_names_and_what_they_are(things: Things) -> None:
    assert sorted(thing.names["en"][0] for thing in things.values()) == [
        "canopy", "knife", "peg", "pup tent", "shelter", "soup", "spoon", "tent",
    ]  # fmt: skip
    assert things["00000001"].gloss == "a structure that gives cover"
    assert things[TENT].parents == ["00000001"]


def test_what_most_shops_sell_is_a_kind_of_some_things_and_not_of_others() -> None:
    def thing(id_: str, name: str, *parents: str) -> Thing:
        return Thing(id_, {"en": [name]}, parents, "")

    every = [
        thing("1", "device"),
        thing("2", "lighter", "1"),
        thing("3", "weapon", "1"),
        thing("4", "cannon", "3"),
        thing("5", "street"),
    ]

    assert Things({one.id: one for one in every}).sold == {"1", "2"}


def test_a_translation_unlike_the_name_is_dropped(things: Things) -> None:
    assert things[TENT].names["de"] == ["Zelt"]


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        ("00000002", 1.0),  # itself
        ("00000003", 1.0),  # a kind of it
        ("00000001", 0.4),  # what it is a kind of
        ("00000004", 0.2),  # another kind of the same
        ("00000005", 0.0),  # what only mentions it
    ],
)
def test_answers_are_graded_by_kinship(things: Things, answer: str, grade: float) -> None:
    assert things.grade(TENT, answer) == grade


def test_groups_ask_in_one_language_and_answer_in_several(things: Things) -> None:
    groups = make_things(200, things, read_lexicon(), encode, random.Random(0))

    german = [group for group in groups if group.query.lower() == "zelt"]
    good, middling, bad = (
        {pair for group in german for pair in getattr(group, kind)}
        for kind in ("good", "middling", "bad")
    )
    names = ("tent", "zelt", "tente", "carpa", "帐篷", "テント")
    assert all(any(name in text.lower() for name in names) for text, _ in good)
    assert any("Zelt" in text for text, _ in good)
    assert any("canopy" in text.lower() for text, grade in middling if grade == 0.2)
    assert any("peg" in text.lower() for text, _ in bad)
    assert {grade for _, grade in bad} == {0.0}


def test_the_same_seed_makes_the_same_groups(things: Things) -> None:
    first, second = (
        make_things(20, things, read_lexicon(), encode, random.Random(1)) for _ in range(2)
    )

    assert first == second
