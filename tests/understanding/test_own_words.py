"""Which queries must share words with the products that they ask for."""

from __future__ import annotations

import pytest

from es_hybrid.understanding.own_words import in_own_words
from es_hybrid.understanding.vocabulary import Vocabulary

ENGLISH = Vocabulary({"scanner": 3, "kx": 1}, 10, frozenset(["en"]))
CHINESE = Vocabulary({}, 10, frozenset(["zh"]))


@pytest.mark.parametrize(
    "text",
    [
        "scanner",
        "garden gnome",
        "shampoo for dry hair",
        "swimming pool cover",
        "xkqzvtr",
        "weiq vcvxbx",
        "gnome 2000",
    ],
)
def test_names_in_the_language_of_the_catalogue_and_what_is_no_word(text: str) -> None:
    assert in_own_words(text, ENGLISH)


@pytest.mark.parametrize(
    "text",
    [
        "Gartenzwerg",  # German, a compound
        "imprimante laser",
        "trípode",
        "чайник",
        "打印机",
        "blocks the morning sun so I can sleep late",
        "2000",
        "for the",
    ],
)
def test_other_languages_sentences_and_no_words(text: str) -> None:
    assert not in_own_words(text, ENGLISH)


def test_scripts_without_spaces() -> None:
    assert in_own_words("打印机", CHINESE)
    assert not in_own_words("给三岁以上孩子坐车用的安全座椅", CHINESE)
