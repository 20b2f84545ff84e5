"""Which searches a rule fits, and what it makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.serve.rewriting.rules import Rewrite
from es_hybrid.settings import load_settings
from es_hybrid.settings.rewrite import RewriteRule

BODY: dict[str, Any] = {"query": {"multi_match": {"query": "red mug"}}, "size": 3}


def rule(**settings: Any) -> Rewrite:
    return Rewrite(RewriteRule(**{"text": ("query.multi_match.query",), **settings}))


def test_the_text_is_added_and_the_rest_stays() -> None:
    fitted = rule().fitted(BODY, [])
    assert fitted is not None
    assert (fitted.rule, fitted.outcome, fitted.text) == ("text", "rewritten", "red mug")
    extension = {"text": "red mug"}
    assert fitted.body == {**BODY, "ext": {"es_hybrid": extension}}
    other = rule().fitted({**BODY, "ext": {"other": 1}}, [])
    assert other is not None
    assert other.body["ext"] == {"other": 1, "es_hybrid": extension}
    assert "ext" not in BODY


def test_texts_inside_filters_are_searched_for_there_too() -> None:
    words = {"multi_match": {"query": "red mug"}}
    body = {"query": {"bool": {"filter": {"bool": {"must": words}}, "must": words}}}
    fitted = rule(text=("query.**.multi_match.query",)).fitted(body, [])
    assert fitted is not None
    assert fitted.body["ext"]["es_hybrid"]["searched"] == ["red mug"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"query": {"match_all": {}}}, {**BODY, "search_after": [1]}, {**BODY, "knn": {}},
        {**BODY, "retriever": {}}, {"query": {"multi_match": {"query": " "}}}, [], None,
    ],
)  # fmt: skip
def test_other_searches_do_not_fit(body: Any) -> None:
    assert rule().fitted(body, []) is None


@pytest.mark.parametrize(
    ("pattern", "index", "covered"),
    [
        ("*", "", True), ("*", "a", True), ("products", "products", True),
        ("products", "products-1", False), ("products*", "products-1,products-2", True),
        ("products*", "products,orders", False), ("products*", "", False), ("p?", "p1", True),
    ],
)  # fmt: skip
def test_the_index_is_named_as_the_shop_names_it(pattern: str, index: str, covered: bool) -> None:
    assert rule(index=pattern).covers(index) is covered


def test_a_body_without_the_path_is_not_decoded() -> None:
    assert rule().may_fit(b'{"query":{"multi_match":{}}}')
    assert not rule().may_fit(b'{"query":{"match":{"title":"a multi_match"}}}')
    assert not rule(text=(), form="magento").may_fit(b'{"query":{"multi_match":{}}}')


def outcome(headers: list[tuple[bytes, bytes]], body: Any = BODY, **settings: Any) -> str:
    fitted = rule(**settings).fitted(body, headers)
    assert fitted is not None
    return fitted.outcome


def test_a_share_is_decided_by_the_session_else_by_the_text() -> None:
    bodies = [{"query": {"multi_match": {"query": f"word {n}"}}} for n in range(1000)]
    by_text = [outcome([], body, share=0.3) for body in bodies]
    assert 250 < by_text.count("rewritten") < 350
    assert by_text == [outcome([], body, share=0.3) for body in bodies]
    session = {"share": 0.3, "share_by": "X-Session"}
    sessions = [[(b"x-session", b"%d" % n)] for n in range(1000)]
    by_session = [outcome(headers, BODY, **session) for headers in sessions]
    assert 250 < by_session.count("rewritten") < 350
    of_one = {outcome(sessions[0], body, **session) for body in bodies}
    assert len(of_one) == 1
    assert [outcome([], body, **session) for body in bodies] == by_text
    assert outcome([], share=0) == "control"


def test_a_header_forces_it_on_or_off() -> None:
    assert outcome([(b"x-es-hybrid", b"On")], share=0) == "rewritten"
    assert outcome([(b"x-es-hybrid", b"off")]) == "control"
    assert outcome([(b"x-es-hybrid", b"perhaps")]) == "rewritten"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([{}], "set either form or text"),
        ([{"form": "magento", "text": ["query"]}], "set either form or text"),
        ([{"form": "prestashop"}], "serve.rewrite.0.form"),
        ([{"text": ["query..x"]}], "is not a path"),
        ([{"text": ["query.bool.must[0]"]}], "is not a path"),
        ([{"form": "magento", "share": 2}], "serve.rewrite.0.share"),
        ([{"form": "magento", "share_by": "X Session"}], "is not the name of a header"),
        ([{"form": "magento", "name": "a b"}], "is not a name"),
        ([{"form": "magento"}, {"form": "magento", "index": "b"}], "two rules are named magento"),
        ([{"form": "magento", "index": ""}], "serve.rewrite.0.index"),
    ],
)
def test_a_wrong_rule_is_named_at_the_start(rules: Any, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(flags={"serve": {"rewrite": rules}})
    assert problem in refused.value.message
    assert "serve.rewrite" in refused.value.message
    assert refused.value.remedy
