"""Rules as the fields of a form."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.page.rule_form import (
    RuleForm,
    form_of,
    is_common,
    json_of,
    rule_from_json,
    rule_of,
    toggled,
)

FORM = RuleForm(
    id="summer",
    priority="7",
    match="contains",
    words="t-shirt\n\n T恤 ",
    context="channel=b2b; channel=vip; basket>=100; basket<200",
    pin="p-2\np-1",
    exclude="p-9",
    boost="brand=Nike; price<=50 * 0.25\ncategory=Shoes > Boots",
    bury="in_stock=false * 2",
    filter="price>=10; brand!=Puma",
    synonyms="sofa, couch\ntee => t-shirt",
    replace="red shirt",
    redirect="https://shop.example/sale",
    mode="bm25",
    rerank="off",
    valid_from="2026-12-01",
    valid_until="2026-12-24T18:30+08:00",
    note="agreed with Ann",
)
RULE: dict[str, Any] = {
    "id": "summer",
    "criteria": [
        {"type": "contains", "values": ["t-shirt", "T恤"]},
        {"type": "exact", "metadata": "channel", "values": ["b2b", "vip"]},
        {"type": "gte", "metadata": "basket", "values": [100]},
        {"type": "lt", "metadata": "basket", "values": [200]},
    ],
    "actions": {
        "pin": ["p-2", "p-1"],
        "exclude": ["p-9"],
        "boost": [
            {"filter": {"brand": "Nike", "price": {"lte": 50}}, "weight": 0.25},
            {"filter": {"category": "Shoes > Boots"}},
        ],
        "bury": [{"filter": {"in_stock": "false"}, "weight": 2}],
        "filter": {"price": {"gte": 10}, "brand": {"not": ["Puma"]}},
        "synonyms": ["sofa, couch", "tee => t-shirt"],
        "replace": "red shirt",
        "redirect": "https://shop.example/sale",
        "route": {"mode": "bm25", "rerank": False},
    },
    "priority": 7,
    "valid_from": datetime(2026, 12, 1, tzinfo=UTC),
    "valid_until": datetime(2026, 12, 24, 10, 30, tzinfo=UTC),
    "note": "agreed with Ann",
}
PIN: dict[str, Any] = {"pin": ["1"]}
ALWAYS = [{"type": "always"}]


def test_a_form_says_what_its_rule_does() -> None:
    assert rule_of(FORM) == Rule.model_validate(RULE)


def test_a_rule_comes_back_as_the_same_rule() -> None:
    rule = rule_of(FORM)
    shown = form_of(rule)
    assert (shown.words, shown.boost) == (
        "t-shirt\nT恤",
        "brand=Nike; price<=50 * 0.25\ncategory=Shoes > Boots * 0.1",
    )
    assert (shown.valid_from, shown.valid_until) == ("2026-12-01", "2026-12-24 10:30")
    assert is_common(rule)
    assert rule_of(shown) == rule
    assert rule_from_json(json_of(rule)) == rule


def test_an_empty_priority_is_zero_and_no_context_is_always() -> None:
    rule = rule_of(RuleForm(id="all", match="always", pin="1", priority=""))
    assert (rule.priority, [each.type for each in rule.criteria]) == (0, ["always"])
    assert form_of(rule) == RuleForm(id="all", match="always", pin="1")


def test_of_a_context_alone_any_query_is_right() -> None:
    rule = rule_of(RuleForm(id="b2b", match="always", context="channel=b2b", pin="1"))
    assert [each.metadata for each in rule.criteria] == ["channel"]
    assert is_common(rule)


@pytest.mark.parametrize(
    ("criteria", "actions"),
    [
        (ALWAYS, {"filter": {"in_stock": True}}),
        (ALWAYS, {"filter": {"size": 42, "brand": ["Nike"]}}),
        (ALWAYS, {"boost": [{"filter": {"title": "5 * 3"}, "weight": 1}]}),
        ([{"type": "exact", "values": ["5"]}], PIN),
    ],
)
def test_values_that_mean_the_same_are_common(
    criteria: list[dict[str, Any]], actions: dict[str, Any]
) -> None:
    assert is_common(Rule.model_validate({"id": "r", "criteria": criteria, "actions": actions}))


@pytest.mark.parametrize(
    ("criteria", "actions"),
    [
        ([*ALWAYS, *ALWAYS], PIN),
        ([{"type": "contains", "values": ["a"]}, {"type": "prefix", "values": ["b"]}], PIN),
        ([{"type": "contains", "metadata": "page", "values": ["a"]}], PIN),
        ([{"type": "exact", "metadata": "page", "values": ["a; b"]}], PIN),
        ([{"type": "gt", "values": [5]}], PIN),
        ([{"type": "exact", "metadata": "page", "values": [5]}], PIN),
        ([{"type": "contains", "values": ["two\nlines"]}], PIN),
        (ALWAYS, {"filter": {"price": {"exists": True}}}),
        (ALWAYS, {"filter": {"offers": {"nested": {"price": {"lte": 5}}}}}),
        (ALWAYS, {"filter": {"brand": "A; B"}}),
        (ALWAYS, {"filter": {"brand": " A"}}),
        (ALWAYS, {"pin": ["two\nlines"]}),
    ],
)
def test_what_the_form_cannot_show_is_not_lost_in_it(
    criteria: list[dict[str, Any]], actions: dict[str, Any]
) -> None:
    rule = Rule.model_validate({"id": "r", "criteria": criteria, "actions": actions})
    assert not is_common(rule)
    assert rule_from_json(json_of(rule)) == rule


@pytest.mark.parametrize(
    ("changed", "place", "message"),
    [
        ({"id": "no spaces"}, "rule no spaces", "id: String should match"),
        ({"priority": "high"}, "priority", "'high' is no whole number"),
        ({"words": " \n"}, "words", "no words to look for"),
        ({"context": "channel!=b2b"}, "context", "!= is no criterion of a rule, for channel"),
        ({"context": "channel"}, "context", "cannot read the filter 'channel'"),
        ({"boost": "brand=Nike\nNike * 2"}, "boost", "cannot read the filter 'Nike'"),
        ({"bury": "brand=Nike * much"}, "bury", "'much' is no weight"),
        ({"filter": "price<=cheap"}, "filter", "cannot read the filter 'price<=cheap'"),
        ({"valid_until": "Christmas"}, "valid_until", "'Christmas' is no time"),
        ({"match": "regexp"}, "rule summer", "criteria.0.type: Input should be"),
    ],
)
def test_an_unreadable_field_is_named(changed: dict[str, str], place: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rule_of(replace(FORM, **changed))
    assert refused.value.place == place
    assert message in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "json", "not JSON"),
        ("[1]", "rule ?", "valid dictionary"),
        ('{"id": "r", "criteria": [], "actions": {"pn": []}}', "rule r", "actions.pn: Extra"),
    ],
)
def test_unreadable_json_is_named(text: str, place: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rule_from_json(text)
    assert refused.value.place == place
    assert message in refused.value.message


def test_a_product_is_in_one_list_at_a_time() -> None:
    marked = {"pin": ["1", "2"], "exclude": ["3"]}
    assert toggled(marked, "exclude", "2") == {"pin": ("1",), "exclude": ("3", "2")}
    assert toggled(marked, "pin", "1") == {"pin": ("2",), "exclude": ("3",)}
