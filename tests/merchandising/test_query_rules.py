"""Which rules apply, and what they do: the cases of Elasticsearch's `QueryRuleTests`, and more."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.merchandising.query_rules import AppliedRules, applied, is_match


def criterion(kind: str, *values: str, metadata: str = "query") -> dict[str, Any]:
    return {"type": kind, "metadata": metadata, "values": [*values]}


def rule(*criteria: dict[str, Any], kind: str = "pinned", **actions: Any) -> dict[str, Any]:
    return {"rule_id": "1", "type": kind, "criteria": [*criteria], "actions": actions}


ELASTIC = criterion("exact", "elastic")
MANY = [f"id{number}" for number in range(120)]


@pytest.mark.parametrize(
    ("criteria", "facts", "matched"),
    [
        ([ELASTIC], {"query": "elastic"}, True),
        ([ELASTIC], {"query": "elastic1"}, False),
        ([criterion("prefix", "elastic"), criterion("suffix", "search")],
         {"query": "elastic - you know, for search"}, True),
        ([criterion("prefix", "elastic"), criterion("suffix", "search")],
         {"query": "elastic"}, False),
        ([criterion("lte", "100", metadata="price")], {"price": "50"}, True),
        ([criterion("lte", "100", metadata="price")], {"price": 150}, False),
        ([criterion("lte", "100", metadata="price")], {"price": "cheap"}, False),
        ([{"type": "always"}], {"query": "anything"}, True),
        ([{"type": "always"}, ELASTIC], {"query": "anything"}, False),
        ([{"type": "always"}], {}, False),
        # What the search does not state.
        ([ELASTIC, criterion("exact", "de", metadata="country")], {"query": "elastic"}, True),
        ([ELASTIC], {"other": "elastic"}, False),
    ],
)  # fmt: skip
def test_a_rule_matches(
    criteria: list[dict[str, Any]], facts: dict[str, Any], matched: bool
) -> None:
    assert is_match(rule(*criteria, ids=["id1"]), facts) is matched


@pytest.mark.parametrize(
    ("rulesets", "done"),
    [
        ([[rule(ELASTIC, ids=["id1", "id2"])]], AppliedRules(((None, "id1"), (None, "id2")))),
        ([[rule(ELASTIC, kind="exclude", ids=["id1"])]], AppliedRules((), ((None, "id1"),))),
        ([[rule(criterion("exact", "kibana"), ids=["id1"])]], AppliedRules()),
        # In the order of sets and rules, each document once.
        (
            [
                [rule(ELASTIC, ids=["b", "a"]), rule(ELASTIC, ids=["c", "b"])],
                [rule(ELASTIC, docs=[{"_index": "i", "_id": "b"}, {"_id": "a"}])],
            ],
            AppliedRules(((None, "b"), (None, "a"), (None, "c"), ("i", "b"))),
        ),
        (
            [[rule(ELASTIC, ids=MANY)], [rule(ELASTIC, kind="exclude", ids=MANY)]],
            AppliedRules(
                tuple((None, id_) for id_ in MANY[:100]), tuple((None, id_) for id_ in MANY)
            ),
        ),
    ],
)
def test_rules_are_applied(rulesets: list[list[dict[str, Any]]], done: AppliedRules) -> None:
    sets = [{"ruleset_id": "any", "rules": rules} for rules in rulesets]
    assert applied(sets, {"query": "elastic"}) == done
