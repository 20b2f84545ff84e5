from __future__ import annotations

import pytest
from wordfreq import zipf_frequency

from es_hybrid.understanding.common_words import is_common, is_common_in


@pytest.mark.parametrize(
    ("word", "language"),
    [("garden", "en"), ("drucker", "de"), ("clé", "fr"), ("teclado", "es"), ("мышь", "ru")],
)
def test_a_common_word_is_one_in_its_language(word: str, language: str) -> None:
    assert is_common(word, language, least=3.0)
    exactly = zipf_frequency(word, language, wordlist="small")
    assert is_common(word, language, least=exactly)
    assert not is_common(word, language, least=exactly + 0.01)


@pytest.mark.parametrize(
    ("word", "language"), [("gardne", "en"), ("drucker", "en"), ("", "en"), ("garden", "xx")]
)
def test_other_words_are_none(word: str, language: str) -> None:
    assert not is_common(word, language, least=3.0)


def test_one_of_several_languages_is_enough() -> None:
    assert is_common_in(["en", "de"], "waschmaschine", least=3.0)
    assert not is_common_in(["en", "fr"], "waschmaschine", least=3.0)
