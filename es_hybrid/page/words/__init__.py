"""All texts of the page, in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping

from es_hybrid.page.words.chinese import CHINESE
from es_hybrid.page.words.english import ENGLISH
from es_hybrid.page.words.form import PageWords
from es_hybrid.settings.page import PageLanguage

__all__ = ["LANGUAGES", "WORDS", "PageWords"]

WORDS: Mapping[PageLanguage, PageWords] = {"en": ENGLISH, "zh": CHINESE}
LANGUAGES: tuple[PageLanguage, ...] = tuple(WORDS)
