"""`rule` queries: where they are found, and what replaces them."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.merchandising.query_rules import AppliedRules
from es_hybrid.retrieval.execution.fuse import MAX_ORGANIC_SCORE, pinned_score
from es_hybrid.retrieval.retriever_dsl.rules import (
    RuleReference,
    has_rules,
    rule_queries,
    with_applied,
)
from tests.retrieval.retriever_dsl.test_query_vectors import PLACES

MATCH: dict[str, Any] = {"match": {"title": "red"}}
FACTS = {"query_string": "red"}
RULE: dict[str, Any] = {
    "rule": {"organic": MATCH, "match_criteria": FACTS, "ruleset_ids": ["shop", "other"]}
}
REFERENCE = RuleReference(("shop", "other"), FACTS)
A, B = (None, "a"), ("index", "b")


def ids(*values: str) -> dict[str, Any]:
    return {"ids": {"values": [*values]}}


IN_INDEX = {"bool": {"filter": [{"term": {"_index": "index"}}, ids("b")]}}


def pin(document: Any, place_from_last: int) -> dict[str, Any]:
    return {"constant_score": {"filter": document, "boost": pinned_score(place_from_last)}}


@pytest.mark.parametrize(
    ("rules", "query"),
    [
        (AppliedRules(), MATCH),
        (AppliedRules((A,)), {"dis_max": {"queries": [pin(ids("a"), 1), MATCH]}}),
        (
            AppliedRules((B, A)),
            {"dis_max": {"queries": [pin(IN_INDEX, 2), pin(ids("a"), 1), MATCH]}},
        ),
        (AppliedRules((), (A,)), {"bool": {"must": [MATCH], "must_not": [ids("a")]}}),
        (
            AppliedRules((A,), (A, B)),
            {"bool": {
                "must": [{"dis_max": {"queries": [pin(ids("a"), 1), MATCH]}}],
                "must_not": [{"bool": {"should": [ids("a"), IN_INDEX],
                                       "minimum_should_match": 1}}],
            }},
        ),
    ],
)  # fmt: skip
def test_a_query_becomes_what_elasticsearch_rewrites_it_to(
    rules: AppliedRules, query: dict[str, Any]
) -> None:
    asked: list[RuleReference] = []

    def apply(reference: RuleReference) -> AppliedRules:
        asked.append(reference)
        return rules

    body = {"query": RULE, "size": 3}
    assert with_applied(body, apply) == {"query": query, "size": 3}
    assert asked == [REFERENCE]
    options = {"boost": 2, "_name": "mine"}
    named = {"query": {"rule_query": {**RULE["rule"], **options}}}
    assert with_applied(named, apply) == {"query": {"bool": {"must": [query], **options}}}


def test_what_pins_inside_another_is_below_it() -> None:
    inner = {"rule": {**RULE["rule"], "ruleset_ids": ["other"]}}
    outer = {"rule": {**RULE["rule"], "organic": {"bool": {"must": [inner]}}}}
    changed = with_applied({"query": outer}, lambda _: AppliedRules((A,)))
    outside, below = changed["query"]["dis_max"]["queries"]
    assert outside == pin(ids("a"), 1)
    capped = {"constant_score": {"filter": ids("a"), "boost": MAX_ORGANIC_SCORE}}
    assert below == {"bool": {"must": [{"dis_max": {"queries": [capped, MATCH]}}]}}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_query_is_found_wherever_a_query_stands(place: Any) -> None:
    body = place(RULE)
    assert has_rules(body)
    assert rule_queries(body) == [REFERENCE]
    assert with_applied(body, lambda _: AppliedRules()) == place(MATCH)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "rule",
        {"query": {"match": {"rule": "red"}}},
        {"query": {"term": {"rule": {"value": "red"}}}},
        {"rule": RULE["rule"]},
        {"aggs": {"rule": {"terms": {"field": "rule"}}}},
        {"query": {"script_score": {"query": MATCH, "script": {"params": {"rule": {}}}}}},
        {"retriever": {"newer": {"retriever": {"rule": {}}}}},
    ],
)
def test_nothing_else_is_taken_for_one(body: Any) -> None:
    assert not has_rules(body)


@pytest.mark.parametrize(
    "retriever",
    [
        {"rule": {}},
        {"rule": None},
        {"rrf": {"retrievers": [{"standard": {}}, {"retriever": {"rule": {}}, "weight": 2}]}},
        {"pinned": {"retriever": {"rule": {}}}},
    ],
)
def test_a_retriever_is_found_in_a_tree(retriever: Any) -> None:
    assert has_rules({"retriever": retriever})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"organic": None}, "doesn't support values of type: VALUE_NULL"),
        ({"match_criteria": []}, "doesn't support values of type: START_ARRAY"),
        ({"ruleset_ids": []}, "rulesetIds must not be null or empty"),
        ({"ruleset_ids": {}}, "doesn't support values of type: START_OBJECT"),
        ({"ruleset_id": "shop"}, "ruleset information not provided correctly"),
    ],
)
def test_a_malformed_query_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        rule_queries({"query": {"rule": {**RULE["rule"], **change}}})
    assert refused.value.type == "parsing_exception"
    assert reason in str(refused.value.body())
