"""Malformed sets and rules are refused as Elasticsearch's parsers refuse them."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.serve.query_rules.ruleset import ordered, parse_query_rule, parse_ruleset, summary

CRITERION: dict[str, Any] = {"type": "exact", "metadata": "q", "values": ["a"]}
RULE: dict[str, Any] = {
    "rule_id": "1",
    "type": "pinned",
    "criteria": [CRITERION],
    "actions": {"ids": ["a"]},
}
IN_RULE = "Failed to build [query_rule] after last required field arrived"
IN_CRITERIA = "[query_rule] failed to parse field [criteria]"
CONTENT, PARSE = "x_content_parse_exception", "parse_exception"
ILLEGAL = "illegal_argument_exception"


def _chain(refused: RequestRefused) -> list[tuple[str, str]]:
    """Type and reason of an error and of its causes."""
    error, found = refused.body()["error"], []
    while error:
        found.append((error["type"], error["reason"]))
        error = error.get("caused_by")
    return found


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in RULE.items() if key != name}


@pytest.mark.parametrize(
    ("rule", "chain"),
    [
        (_without("type"), [(ILLEGAL, "Required [type]")]),
        ({"rule_id": "1"}, [(ILLEGAL, "Required [type, criteria, actions]")]),
        ({**RULE, "speed": 1}, [(CONTENT, "[query_rule] unknown field [speed]")]),
        ({**RULE, "type": "boost"},
         [(CONTENT, IN_RULE), (ILLEGAL, "Unknown QueryRuleType: boost")]),
        ({**RULE, "criteria": []},
         [(CONTENT, IN_RULE), (ILLEGAL, "Query rule criteria cannot be empty")]),
        ({**RULE, "actions": {}},
         [(CONTENT, IN_RULE), (ILLEGAL, "Query rule actions cannot be empty")]),
        ({**RULE, "priority": -1},
         [(CONTENT, IN_RULE), (ILLEGAL, "Priority was -1, must be between 0 and 1000000")]),
        ({**RULE, "priority": 1_000_001},
         [(CONTENT, IN_RULE), (ILLEGAL, "Priority was 1000001, must be between 0 and 1000000")]),
        *(({**RULE, "actions": actions}, [(CONTENT, IN_RULE), (PARSE, f"pinned {reason}")])
          for actions, reason in (
              ({"foo": "bar"}, "query rule actions must contain only one of either ids or docs"),
              ({"ids": ["a"], "docs": [{"_id": "a"}]},
               "query rule actions must contain only one of either ids or docs"),
              ({"ids": "a"}, "query rule actions must be a list"),
              ({"docs": []}, "query rule actions cannot be empty"),
              ({"ids": ["a"] * 101}, "documents cannot exceed 100"),
              ({"ids": [1]}, "query rule actions must name documents by texts"),
              ({"docs": [{"_index": "i"}]}, "query rule actions must name documents by texts"),
          )),
        *(({**RULE, "criteria": [criterion]}, [(CONTENT, IN_CRITERIA), *causes])
          for criterion, causes in (
              ({"metadata": "q"}, [(ILLEGAL, "Required [type]")]),
              ({**CRITERION, "value": 1},
               [(CONTENT, "[query_rule_criteria] unknown field [value] did you mean [values]?")]),
              *(({**CRITERION, **change}, [
                  (CONTENT, "Failed to build [query_rule_criteria] after last required field "
                            "arrived"), (ILLEGAL, reason)])
                for change, reason in (
                    ({"type": "regex"}, "Unknown QueryRuleCriteriaType: regex"),
                    ({"metadata": None}, "criteriaMetadata cannot be blank"),
                    ({"metadata": ""}, "criteriaMetadata cannot be blank"),
                    ({"values": []}, "criteriaValues cannot be null or empty"),
                )),
          )),
    ],
)  # fmt: skip
def test_a_malformed_rule(rule: dict[str, Any], chain: list[tuple[str, str]]) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_query_rule("1", rule)
    assert _chain(refused.value) == chain
    assert refused.value.status == 400
    in_set = [(CONTENT, "[query_ruleset] failed to parse field [rules]"), *chain]
    with pytest.raises(RequestRefused) as whole:
        parse_ruleset("shop", {"rules": [RULE, rule]})
    assert _chain(whole.value) == in_set


@pytest.mark.parametrize(
    ("body", "type_", "reason"),
    [
        ({}, "action_request_validation_exception",
         "Validation Failed: 1: rules cannot be null or empty;"),
        ({"rules": []}, "action_request_validation_exception",
         "Validation Failed: 1: rules cannot be null or empty;"),
        ({"rules": [RULE, _without("rule_id")]}, "action_request_validation_exception",
         "Validation Failed: 1: rule_id cannot be null or empty. rule: ["),
        ({"rules": [RULE], "ruleset_id": "other"}, CONTENT,
         "Failed to build [query_ruleset] after last required field arrived"),
        ({"rules": [RULE] * 101}, ILLEGAL, "The number of rules in a ruleset cannot exceed [100]."),
        ({"rules": 1}, CONTENT, "[query_ruleset] rules doesn't support values of type: "),
    ],
)  # fmt: skip
def test_a_malformed_set(body: dict[str, Any], type_: str, reason: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_ruleset("shop", body)
    assert refused.value.type == type_
    assert refused.value.body()["error"]["reason"].startswith(reason)


def test_a_rule_has_the_id_of_its_address() -> None:
    assert parse_query_rule("1", {**RULE, "rule_id": None}) == RULE
    assert parse_query_rule("1", _without("rule_id")) == RULE
    with pytest.raises(RequestRefused, match="rule_id does not match the id in the query rule"):
        parse_query_rule("2", RULE)


def test_a_rule_is_stored_as_elasticsearch_stores_it() -> None:
    written = {**RULE, "type": "EXCLUDE", "criteria": {**CRITERION, "type": "GTE", "values": [2.5]}}
    criterion = {"type": "gte", "metadata": "q", "values": ["2.5"]}
    assert parse_query_rule("1", written) == {**RULE, "type": "exclude", "criteria": [criterion]}


def test_rules_without_priority_follow() -> None:
    rules = [{"rule_id": name, **({} if p is None else {"priority": p})}
             for name, p in (("a", None), ("b", 3), ("c", 0), ("d", None), ("e", 3))]  # fmt: skip
    assert "".join(rule["rule_id"] for rule in ordered(rules)) == "cbead"


def test_a_summary_counts_types_in_elasticsearch_s_order() -> None:
    excluding = {**RULE, "type": "exclude", "criteria": [{"type": "always"}]}
    shown = summary({"ruleset_id": "shop", "rules": [RULE, excluding, RULE]})
    assert [*shown["rule_criteria_types_counts"].items()] == [("always", 1), ("exact", 2)]
    assert [*shown["rule_type_counts"].items()] == [("exclude", 1), ("pinned", 2)]
