"""Both languages have all texts, with the same placeholders."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from string import Formatter

import pytest

from es_hybrid.page.words import WORDS, PageWords

EN, ZH = WORDS["en"], WORDS["zh"]


def _texts(words: PageWords, name: str) -> dict[str, str]:
    value: str | Mapping[str, str] = getattr(words, name)
    return {"": value} if isinstance(value, str) else dict(value)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(PageWords)])
def test_a_text_has_the_same_placeholders_in_both_languages(name: str) -> None:
    english, chinese = _texts(EN, name), _texts(ZH, name)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert _placeholders(text) == _placeholders(chinese[key])
        assert text.strip()
        assert chinese[key].strip()
