from __future__ import annotations

import pytest

from es_hybrid.understanding.synonym_rules import parse_synonyms
from es_hybrid.understanding.synonyms import Rewritten, Synonym, rewritten
from es_hybrid.understanding.vocabulary import Vocabulary

UNKNOWN = Vocabulary({})


def _apply(rules: str, text: str, vocabulary: Vocabulary = UNKNOWN) -> Rewritten:
    return rewritten(text, parse_synonyms(rules.splitlines(), place="f").find(text), vocabulary)


def test_a_two_way_rule_adds_a_form_for_the_lexical_leg() -> None:
    assert _apply("sofa, couch", "red couch") == Rewritten(
        "red couch", ("red sofa",), (Synonym(text="couch", searched=("couch", "sofa")),)
    )


def test_a_one_way_rule_replaces() -> None:
    assert _apply("tv => television", "a TV set") == Rewritten(
        "a television set", (), (Synonym(text="TV", searched=("television",)),)
    )
    assert _apply("tv => television", "television") == Rewritten("television")


def test_a_one_way_rule_that_keeps_its_words_adds() -> None:
    found = _apply("handy => handy, smartphone", "handy")
    assert (found.text, found.forms) == ("handy", ("smartphone",))


def test_a_rule_that_changes_nothing_is_not_reported() -> None:
    assert _apply("sofa\ntv => tv", "sofa tv") == Rewritten("sofa tv")


def test_the_vectors_get_the_word_that_the_catalogue_uses() -> None:
    german = Vocabulary({"stuhl": 4, "rot": 1}, 10, frozenset(["de"]))
    found = _apply("chair, Stuhl, chaise", "chair rot", german)
    assert (found.text, found.forms) == ("Stuhl rot", ("chair rot", "chaise rot"))
    both = Vocabulary({"stuhl": 4, "chair": 1}, 10, frozenset(["de", "en"]))
    assert _apply("chair, Stuhl, chaise", "chair", both).text == "chair"
    assert _apply("chair, chaise", "chair", german).text == "chair", "it has neither"
    assert _apply("tv => telly, fernseher", "tv", Vocabulary({"fernseher": 1})).text == "fernseher"


def test_words_of_unspaced_scripts_are_known_by_the_catalogue_s_languages() -> None:
    english = Vocabulary({"sofa": 4}, 10, frozenset(["en"]))
    assert _apply("沙发, sofa", "红色沙发", english).text == "红色 sofa"
    chinese = Vocabulary({"sofa": 4}, 10, frozenset(["en", "zh"]))
    found = _apply("沙发, sofa", "红色沙发床", chinese)
    assert (found.text, found.forms) == ("红色沙发床", ("红色 sofa 床",))


def test_accents_are_put_right() -> None:
    german = Vocabulary({"mütze": 4}, 10, frozenset(["de"]))
    assert _apply("Mütze, Kappe", "mutze", german).text == "Mütze"
    assert _apply("Mütze, Kappe", "muetze", german).text == "Mütze"


def test_several_places_are_combined_single_changes_first() -> None:
    found = _apply("a, b\nc, d", "a and c")
    assert found.forms == ("a and d", "b and c", "b and d")


@pytest.mark.parametrize("places", [1, 3, 8])
def test_the_number_of_forms_is_limited(places: int) -> None:
    found = _apply(", ".join(f"w{n}" for n in range(90)), " ".join(["w1"] * places))
    assert len(found.forms) <= 8
    assert all(len(synonym.searched) <= 6 for synonym in found.synonyms)
