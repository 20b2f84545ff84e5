"""Sets of query rules as callers write them, checked as Elasticsearch checks them.

Source: `QueryRuleset`, `QueryRule` and `QueryRuleCriteria` of Elasticsearch 9.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from es_hybrid.merchandising.rules.criteria import ORDERS, CriterionType, number_of
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import PARSE, built, inside, invalid, refused

# A rule as it is stored and shown.
QueryRule = dict[str, Any]

_MAX_RULES = 100
_MAX_DOCUMENTS = 100
_MAX_PRIORITY = 1_000_000
_TYPES = ("exclude", "pinned")
# In the order in which Elasticsearch counts them.
_CRITERIA = (
    "always", "exact", "fuzzy", "prefix", "suffix", "contains", "lt", "lte", "gt", "gte",
)  # fmt: skip
assert set(_CRITERIA) == set(get_args(CriterionType))


def parse_ruleset(ruleset: str, body: Mapping[str, Any]) -> list[QueryRule]:
    """The rules of a set, in the order in which they are applied.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    fields = Fields("query_ruleset", body, ("ruleset_id", "rules"))
    rules = []
    for each in fields.mappings("rules") or ():
        with inside("query_ruleset", "rules"):
            rules.append(_rule(each))
    with built("query_ruleset"):
        if (named := fields.string("ruleset_id")) not in (None, ruleset):
            raise refused(
                f"Query ruleset identifier [{named}] does not match the resource name: [{ruleset}]"
            )
    if not rules:
        raise invalid(["rules cannot be null or empty"])
    problems = [
        f"rule_id cannot be null or empty. rule: [{json.dumps(rule)}]"
        for rule in rules
        if "rule_id" not in rule
    ]
    if problems:
        raise invalid(problems)
    return ordered(rules)


def parse_query_rule(rule: str, body: Mapping[str, Any]) -> QueryRule:
    """One rule.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    parsed = _rule(body)
    if parsed.get("rule_id", rule) != rule:
        raise refused("rule_id does not match the id in the query rule")
    return {"rule_id": rule, **parsed}


def ordered(rules: Iterable[QueryRule]) -> list[QueryRule]:
    """Rules by priority; those without one follow.

    Raises:
        RequestRefused: there are too many for one set.
    """
    listed = sorted(rules, key=lambda rule: rule.get("priority", math.inf))
    if len(listed) > _MAX_RULES:
        raise refused(f"The number of rules in a ruleset cannot exceed [{_MAX_RULES}].")
    return listed


def summary(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a list of sets shows of one."""
    rules = stored["rules"]
    criteria = Counter(each["type"] for rule in rules for each in rule["criteria"])
    types = Counter(rule["type"] for rule in rules)
    return {
        "ruleset_id": stored["ruleset_id"],
        "rule_total_count": len(rules),
        "rule_criteria_types_counts": {
            name: criteria[name] for name in _CRITERIA if criteria[name]
        },
        "rule_type_counts": {name: types[name] for name in _TYPES if types[name]},
    }


def _counted(counts: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    return {name: counts[name] for name in names if name in counts}


def _rule(value: Mapping[str, Any]) -> QueryRule:
    known = ("rule_id", "type", "criteria", "actions", "priority")
    fields = Fields("query_rule", _without_null(value, "rule_id"), known)
    name, kind = fields.string("rule_id"), fields.string("type")
    priority = fields.integer("priority")
    criteria = []
    for each in fields.mappings("criteria") or ():
        with inside("query_rule", "criteria"):
            criteria.append(_criterion(each))
    actions = fields.mapping("actions")
    fields.required("type", "criteria", "actions")
    with built("query_rule"):
        kind = _named("QueryRuleType", cast(str, kind), _TYPES)
        if not criteria:
            raise refused("Query rule criteria cannot be empty")
        if not actions:
            raise refused("Query rule actions cannot be empty")
        if priority is not None and not 0 <= priority <= _MAX_PRIORITY:
            raise refused(f"Priority was {priority}, must be between 0 and {_MAX_PRIORITY}")
        _check_actions(kind, actions)
        _check_numbers(criteria)
    rule = {"rule_id": name, "type": kind, "criteria": criteria, "actions": actions}
    return _without_null({**rule, "priority": priority}, "rule_id", "priority")


def _criterion(value: Mapping[str, Any]) -> dict[str, Any]:
    kind = "query_rule_criteria"
    fields = Fields(kind, _without_null(value, "metadata"), ("type", "metadata", "values"))
    type_, metadata = fields.string("type"), fields.string("metadata")
    values = fields.strings("values")
    fields.required("type")
    with built(kind):
        type_ = _named("QueryRuleCriteriaType", cast(str, type_), _CRITERIA)
        if type_ != "always" and not metadata:
            raise refused("criteriaMetadata cannot be blank")
        if type_ != "always" and not values:
            raise refused("criteriaValues cannot be null or empty")
    parsed = {"type": type_, "metadata": metadata, "values": values}
    return _without_null(parsed, "metadata", "values")


def _named(what: str, name: str, known: Iterable[str]) -> str:
    if name.lower() not in known:
        raise refused(f"Unknown {what}: {name}")
    return name.lower()


def _check_actions(kind: str, actions: Mapping[str, Any]) -> None:
    if ("ids" in actions) == ("docs" in actions):
        reason = f"{kind} query rule actions must contain only one of either ids or docs"
        raise refused(reason, type=PARSE)
    documents = actions.get("ids", actions.get("docs"))
    if not isinstance(documents, list):
        raise refused(f"{kind} query rule actions must be a list", type=PARSE)
    if not documents:
        raise refused(f"{kind} query rule actions cannot be empty", type=PARSE)
    if len(documents) > _MAX_DOCUMENTS:
        raise refused(f"{kind} documents cannot exceed {_MAX_DOCUMENTS}", type=PARSE)
    # Elasticsearch accepts anything here, and fails when the rule is applied.
    if not all(map(_is_id if "ids" in actions else _is_document, documents)):
        raise refused(f"{kind} query rule actions must name documents by texts", type=PARSE)


def _is_id(value: Any) -> bool:
    return isinstance(value, str)


def _is_document(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("_id"), str)
        and isinstance(value.get("_index"), str | None)
    )


def _check_numbers(criteria: Iterable[Mapping[str, Any]]) -> None:
    for each in criteria:
        for value in each.get("values", ()):
            if each["type"] in ORDERS and number_of(value) is None:
                raise refused(f"Input [{value}] is not valid for CriteriaType [{each['type']}]")


def _without_null(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in value.items() if each is not None or name not in names}
