from __future__ import annotations

from itertools import product

from es_hybrid.synonyms.association import TextPair, associated
from es_hybrid.synonyms.candidates import SynonymOrigin

COLOURS = {"red": "rot", "blue": "blau", "green": "grün"}
THINGS = {"office chair": "bürostuhl", "desk": "schreibtisch", "lamp": "lampe"}
CHINESE = {"office chair": "办公椅", "desk": "书桌", "lamp": "台灯"}


def _pairs(things: dict[str, str], lang: str) -> list[TextPair]:
    return [
        TextPair(f"Acme {c} {t} {n}", f"Acme {t2} {c2} {n}", "en", lang, "titles")
        for n, ((c, c2), (t, t2)) in enumerate(product(COLOURS.items(), things.items()))
    ]


def _rules(pairs: list[TextPair]) -> set[str]:
    return {candidate.rule for candidate in associated(pairs)}


def test_translations_are_found_and_nothing_else() -> None:
    expected = {f"{one}, {other}" for one, other in (COLOURS | THINGS).items()}
    assert _rules(_pairs(THINGS, "de")) == expected


def test_words_of_unspaced_scripts_are_found() -> None:
    assert {f"{one}, {other}" for one, other in CHINESE.items()} <= _rules(_pairs(CHINESE, "zh"))


def test_a_candidate_says_where_it_comes_from() -> None:
    best = associated(_pairs(THINGS, "de"))[0]
    assert (best.languages, best.origin, best.score, best.support) == (
        ("en", "de"),
        "titles",
        0.75,
        3,
    )
    assert len(best.examples) == 2
    assert " | " in best.examples[0]


def test_words_that_always_occur_together_are_no_translation_of_one_another() -> None:
    # Which of the two German words means `valve` cannot be known.
    pairs = [
        TextPair(f"brass valve {n}", f"messing ventil {n}", "en", "de", "titles") for n in range(9)
    ]
    assert _rules(pairs) <= {"brass valve, messing ventil"}


def test_one_product_proves_nothing() -> None:
    assert associated([TextPair("oak desk", "eiche tisch", "en", "de", "titles")]) == []


def test_clicks_give_rules_for_the_words_of_queries() -> None:
    def clicks(origin: SynonymOrigin) -> list[TextPair]:
        pairs = [("couch red", "red sofa deluxe"), ("couch", "corner sofa"), ("couch grey", "sofa")]
        return [TextPair(query, title, "en", "en", origin) for query, title in pairs]

    assert _rules(clicks("clicks")) == {"couch => couch, sofa"}
    assert _rules(clicks("titles")) == {"couch, sofa"}


def test_misspelt_words_of_queries_are_left_to_the_spelling() -> None:
    pairs = [
        TextPair(q, "red sofa", "en", "en", "clicks") for q in ("sofaa", "the sofaa", "sofaa red")
    ]
    assert associated(pairs) == []
