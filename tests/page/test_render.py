"""Templates escape whatever they are given."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from es_hybrid.errors import SettingsError
from es_hybrid.page.render import notice, problem, render
from es_hybrid.page.words import WORDS

EN, ZH = WORDS["en"], WORDS["zh"]


def test_an_error_is_told_as_sentences() -> None:
    error = SettingsError("is not there", place="a.toml", remedy="make it")
    told = problem(EN, error)
    assert "That did not work.</strong> Is not there. Make it." in told
    assert "<code>a.toml</code>" in told
    assert "操作未能完成。" in problem(ZH, error)


def test_what_an_error_repeats_is_escaped() -> None:
    told = problem(EN, SettingsError("<img onerror>", place="<b>", remedy='"x"'))
    assert "<img" not in told
    assert "<b>" not in told
    assert "&lt;img onerror&gt;" in told


def test_a_notice_is_escaped() -> None:
    assert "&lt;script&gt;" in notice(EN, "<script>")


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("instruction", EN)
