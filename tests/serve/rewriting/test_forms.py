"""Where the forms of platforms find the text; `test_platforms` has their searches."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from es_hybrid.serve.rewriting.forms import FORMS
from es_hybrid.serve.rewriting.rules import Rewrite
from es_hybrid.settings.rewrite import FormName, RewriteRule
from tests.serve.rewriting.platforms import searchkit
from tests.serve.rewriting.platforms.case import Choice


def text_of(form: str, body: dict[str, Any]) -> str | None:
    rule = Rewrite(RewriteRule.model_validate({"form": form}))
    found = rule.fitted(body, [])
    assert found is None or rule.may_fit(json.dumps(body).encode())
    return found and found.text


def test_every_name_has_its_form() -> None:
    assert set(FORMS) == set(get_args(FormName))


def test_a_pinned_search_of_searchkit() -> None:
    assert text_of("searchkit", searchkit.pinned("red kettle", Choice())) == "red kettle"


@pytest.mark.parametrize(
    ("form", "query", "text"),
    [
        ("searchkit", {"bool": {"must": {"combined_fields": {"query": "a b"}}}}, "a b"),
        ("searchkit", {"bool": {"filter": [{"query_string": {"query": "type:a"}}]}}, None),
        ("magento", {"bool": {"should": [{"match_phrase": {"name": {"query": "a b"}}}]}}, "a b"),
        ("magento", {"bool": {"must": [{"match": {"name": "a b"}}]}}, None),
        ("shopware", {"bool": {"should": [{"dis_max": {"queries": [
            {"match": {"name.x.search": {"query": "a"}}}]}}]}}, "a"),
        ("saleor", {"query_string": {"query": "*red kettle*"}}, "red kettle"),
    ],
)  # fmt: skip
def test_variants(form: str, query: dict[str, Any], text: str | None) -> None:
    assert text_of(form, {"query": query}) == text
