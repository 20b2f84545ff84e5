"""Rendering of templates."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from es_hybrid.errors import SettingsError
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.words import WORDS

EN, ZH = WORDS["en"], WORDS["zh"]


def test_an_error_is_shown_as_sentences() -> None:
    error = SettingsError("is not there", place="a.toml", remedy="make it")
    html = problem(EN, error)
    assert "That did not work.</strong> Is not there. Make it." in html
    assert "<code>a.toml</code>" in html
    assert "操作未能完成。" in problem(ZH, error)


def test_an_error_is_escaped() -> None:
    html = problem(EN, SettingsError("<img onerror>", place="<b>", remedy='"x"'))
    assert "<img" not in html
    assert "<b>" not in html
    assert "&lt;img onerror&gt;" in html


def test_a_notice_is_escaped() -> None:
    assert "&lt;script&gt;" in notice(EN, "<script>")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("instruction", EN)
