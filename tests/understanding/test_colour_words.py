from __future__ import annotations

from itertools import combinations

import pytest

from es_hybrid.understanding.colour_words import BASIC_COLOURS, inflected


@pytest.mark.parametrize(
    "word", ["red", "rotes", "rouges", "roja", "красное", "红色", "赤い", "빨강"]
)
def test_a_colour_in_many_languages(word: str) -> None:
    (words,) = (words for words in BASIC_COLOURS if word in words)
    assert "rojo" in words


def test_no_word_is_two_colours() -> None:
    assert len(BASIC_COLOURS) == 12
    assert not any(one & other for one, other in combinations(BASIC_COLOURS, 2))


def test_forms_of_a_language() -> None:
    assert inflected("negro", "es") == ["negra", "negras", "negros"]
    assert "blaues" in inflected("blau", "de")
    assert inflected("blue", "en") == []
