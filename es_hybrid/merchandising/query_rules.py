"""Elasticsearch's query rules: which of a set apply, and the documents they pin or exclude.

Source: `QueryRule` and `RuleQueryBuilder` of Elasticsearch 9. A set is read as it is stored:

    {"ruleset_id": "shop", "rules": [{"rule_id": "1", "type": "pinned", "actions": {"ids": ["a"]},
     "criteria": [{"type": "exact", "metadata": "query_string", "values": ["pug"]}]}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from es_hybrid.merchandising.rules.criteria import matches

__all__ = ["AppliedRules", "Document", "applied", "is_match"]

# Index and id; without an index, in any.
Document = tuple[str | None, str]

_MAX_PINNED = 100


class AppliedRules(NamedTuple):
    """What the rules of a search do, each document once, in the order of the rules.

    Attributes:
        pinned: Shown first, at most 100.
        excluded: Not shown, pinned or not.
    """

    pinned: tuple[Document, ...] = ()
    excluded: tuple[Document, ...] = ()


def applied(rulesets: Iterable[Mapping[str, Any]], facts: Mapping[str, Any]) -> AppliedRules:
    """What the sets do to a search with these facts, its `match_criteria`."""
    found: dict[str, dict[Document, None]] = {"pinned": {}, "exclude": {}}
    for ruleset in rulesets:
        for rule in ruleset["rules"]:
            if is_match(rule, facts):
                found[rule["type"]] |= dict.fromkeys(_documents(rule["actions"]))
    return AppliedRules(tuple(found["pinned"])[:_MAX_PINNED], tuple(found["exclude"]))


def is_match(rule: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a rule applies: it meets all its criteria, and at least one.

    As in Elasticsearch, a criterion on a fact that the search does not state is ignored.
    """
    stated = [
        each for each in rule["criteria"] if each["type"] == "always" or each["metadata"] in facts
    ]
    return bool(stated and facts) and all(
        matches(each["type"], each.get("values", ()), facts.get(each.get("metadata")))
        for each in stated
    )


def _documents(actions: Mapping[str, Any]) -> list[Document]:
    if "ids" in actions:
        return [(None, id_) for id_ in actions["ids"]]
    return [(each.get("_index"), each["_id"]) for each in actions["docs"]]
