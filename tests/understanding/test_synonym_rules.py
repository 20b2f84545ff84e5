from __future__ import annotations

import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.understanding.synonym_rules import NO_SYNONYMS, SynonymRules, parse_synonyms


def _rules(text: str) -> SynonymRules:
    return parse_synonyms(text.splitlines(), place="synonyms.txt")


def _found(rules: SynonymRules, text: str, language: str = "") -> list[tuple[str, list[str]]]:
    """Each phrase found, and everything that is searched for it."""
    return [
        (text[match.start : match.end], [word for rule in match.rules for word in rule.words])
        for match in rules.find(text, language)
    ]


def test_rules_of_each_form_are_read() -> None:
    rules = _rules(
        "# a comment\n\nsofa, couch\n  tv => television\nhandy => handy, smartphone\n"
        "i-pod, i pod => ipod\n"
    )
    assert _found(rules, "red couch") == [("couch", ["sofa", "couch"])]
    assert _found(rules, "tv, handy") == [
        ("tv", ["television"]), ("handy", ["handy", "smartphone"]),
    ]  # fmt: skip
    assert _found(rules, "television") == []
    assert _found(rules, "I Pod") == [("I Pod", ["ipod"])]
    assert not NO_SYNONYMS


def test_escaped_signs_are_the_signs_themselves() -> None:
    assert _found(_rules(r"10\,5 mm => bolt"), "10,5 mm") == [("10,5 mm", ["bolt"])]
    assert _found(_rules(r"a\=>b, c"), "c") == [("c", ["a=>b", "c"])]


@pytest.mark.parametrize("typed", ["mütze", "MÜTZE", "Mutze", "muetze"])
def test_case_and_accents_do_not_matter(typed: str) -> None:
    assert _found(_rules("Mütze, Kappe"), f"{typed} rot") == [(typed, ["Mütze", "Kappe"])]


def test_the_longest_phrase_counts() -> None:
    rules = _rules("office chair, Bürostuhl\nchair, Stuhl\noffice chair cover, Husse")
    assert _found(rules, "office chair black")[0][0] == "office chair"
    assert _found(rules, "office-chair cover")[0][0] == "office-chair cover"
    assert _found(rules, "office and chair")[0][0] == "chair"
    assert _found(rules, "my office") == []


def test_rules_for_the_same_words_add_up() -> None:
    assert _found(_rules("a, b\na, c"), "a") == [("a", ["a", "b", "a", "c"])]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("红色沙发", ["沙发"]),
        ("长沙发床", ["长沙发"]),
        ("沙发和包", ["沙发"]),
        ("包", ["包"]),
        ("包 红色", ["包"]),
        ("面包", []),
        ("ビデオカード", ["カード"]),
    ],
)
def test_a_phrase_of_an_unspaced_script_is_found_inside_a_text(
    query: str, found: list[str]
) -> None:
    rules = _rules("沙发, 躺椅\n长沙发, 躺椅\n包, 袋\nカード, 板")
    assert [phrase for phrase, _ in _found(rules, query)] == found


def test_marks_tell_japanese_words_apart() -> None:
    assert _found(_rules("かき, 牡蠣"), "かぎ") == []


@pytest.mark.parametrize("query", ["TV-4820", "samsung TV-4820", "SKU tv 4820", "tv4820x stand"])
def test_no_rule_applies_inside_a_trade_number(query: str) -> None:
    assert _found(_rules("tv => television\nsku, number"), query) == []


def test_a_rule_may_be_for_a_whole_number() -> None:
    assert _found(_rules("KX-4820 => KX-4821"), "case for kx-4820") == [("kx-4820", ["KX-4821"])]
    assert _found(_rules("tv => television"), "tv-stand") == [("tv", ["television"])]


def test_a_section_limits_rules_to_a_language() -> None:
    rules = _rules("[de]\nhandy, smartphone\n[pt-BR]\ngeladeira, refrigerador\n[*]\nsofa, couch")
    assert rules.languages == {"de", "pt"}
    assert _found(rules, "handy", "en") == []
    assert _found(rules, "handy", "de") == _found(rules, "handy") != []
    assert _found(rules, "sofa", "en") != []
    assert _found(_rules("[ja]\n机, デスク"), "机", "zh") != [], "Han characters alone"


def test_every_word_of_a_rule_is_mentioned() -> None:
    rules = _rules("office chair, Bürostuhl\ntv => telly set")
    for word in ("office", "Chair", "burostuhl", "tv", "telly", "office chair"):
        assert rules.mention(word), word
    assert not rules.mention("office telly")
    assert not rules.mention("table")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a => b => c", "more than one =>"),
        ("a =>", "a phrase is missing"),
        ("a,, b", "a phrase is missing"),
        ("a, &", "no word in '&'"),
        ("[german!]", "is no language"),
        (", ".join(f"w{n}" for n in range(101)), "more than 100 phrases"),
        ("a, " + "b " * 21, "more than 20 words"),
    ],
)
def test_a_wrong_line_is_named(line: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _rules(f"sofa, couch\n\n{line}\n")
    assert caught.value.place == "synonyms.txt:3"
    assert problem in caught.value.message
    assert caught.value.remedy


def test_there_are_limits() -> None:
    with pytest.raises(SettingsError, match="more than 50,000 rules"):
        parse_synonyms(["a, b"] * 50_001, place="f")
    assert len(_rules("a, b").find("a " * 500)) == 8
