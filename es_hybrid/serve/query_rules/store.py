"""Sets of query rules in Elasticsearch: one document each, in a hidden index of their own.

Generators as those of a search (see `retrieval.needs`); the caller's rights decide.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from es_hybrid.merchandising.query_rules import is_match
from es_hybrid.retrieval.execution.requests import checked
from es_hybrid.retrieval.needs import Call, Need
from es_hybrid.retrieval.query_rules import INDEX, document_path, not_found
from es_hybrid.serve.query_rules.ruleset import QueryRule, ordered, summary

Answer = tuple[int, dict[str, Any]]
Steps = Generator[Need, Any, Answer]

# Hidden: a pattern such as `*` does not include it.
_CREATE = {
    "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True},
    "mappings": {"dynamic": False, "properties": {"ruleset_id": {"type": "keyword"}}},
}
# Attempts to change a set that others change at the same time.
_ATTEMPTS = 10
_CONFLICT = 409
_NO_RULE = "rule id {} not found in ruleset {}"
_DELETED: Answer = (200, {"acknowledged": True})


class _Stored(NamedTuple):
    """A set as it is stored.

    Attributes:
        rules: Empty if there is no such set.
        unchanged: Parameters of a write that replaces only this.
        indexed: Whether there is an index.
    """

    rules: list[QueryRule]
    unchanged: Mapping[str, str]
    indexed: bool = True


def put_ruleset(ruleset: str, rules: list[QueryRule]) -> Steps:
    """Create or replace a set."""
    _, result = yield from _changed(ruleset, lambda _: rules)
    return _written(result)


def get_ruleset(ruleset: str) -> Steps:
    """A set; 404 if there is none, as for all below."""
    stored = yield from _existing(ruleset)
    return 200, {"ruleset_id": ruleset, "rules": stored.rules}


def delete_ruleset(ruleset: str) -> Steps:
    """Delete a set."""
    reply = yield Call("DELETE", document_path(ruleset), {"refresh": "true"})
    if reply.status == 404:
        raise not_found(ruleset)
    checked(reply)
    return _DELETED


def list_rulesets(from_: int, size: int) -> Steps:
    """A page of all sets by id, without their rules."""
    body = {
        "from": from_,
        "size": size,
        "sort": "ruleset_id",
        "track_total_hits": True,
        "_source": ["ruleset_id", "rules.type", "rules.criteria.type"],
    }
    reply = yield Call("POST", f"/{INDEX}/_search", {"ignore_unavailable": "true"}, body)
    hits = checked(reply)["hits"]
    results = [summary(hit["_source"]) for hit in hits["hits"]]
    return 200, {"count": hits["total"]["value"], "results": results}


def put_rule(ruleset: str, rule: QueryRule) -> Steps:
    """Create or replace a rule, and its set if there is none."""
    id_ = rule["rule_id"]

    def changed(rules: list[QueryRule]) -> list[QueryRule]:
        return ordered([*(each for each in rules if each["rule_id"] != id_), rule])

    before, result = yield from _changed(ruleset, changed)
    return _written(result if any(each["rule_id"] == id_ for each in before) else "created")


def get_rule(ruleset: str, rule: str) -> Steps:
    """One rule."""
    stored = yield from _existing(ruleset)
    for each in stored.rules:
        if each["rule_id"] == rule:
            return 200, each
    raise not_found(_NO_RULE.format(rule, ruleset))


def delete_rule(ruleset: str, rule: str) -> Steps:
    """Delete a rule, and its set with the last one."""

    def changed(rules: list[QueryRule]) -> list[QueryRule]:
        others = [each for each in rules if each["rule_id"] != rule]
        if len(others) == len(rules):
            raise not_found(_NO_RULE.format(rule, ruleset) if rules else ruleset)
        return others

    yield from _changed(ruleset, changed)
    return _DELETED


def match_ruleset(ruleset: str, facts: Mapping[str, Any]) -> Steps:
    """Which rules of a set match these facts."""
    stored = yield from _existing(ruleset)
    matched = [
        {"ruleset_id": ruleset, "rule_id": rule["rule_id"]}
        for rule in stored.rules
        if is_match(rule, facts)
    ]
    return 200, {"total_matched_rules": len(matched), "matched_rules": matched}


def _changed(
    ruleset: str, change: Callable[[list[QueryRule]], list[QueryRule]]
) -> Generator[Need, Any, tuple[list[QueryRule], str]]:
    """The rules of a set before the change, none if there is no set, and what became of it."""
    for _ in range(_ATTEMPTS):
        stored = yield from _stored(ruleset)
        after = change(stored.rules)
        if not stored.indexed:
            yield from _create_index()
        reply = yield _write(ruleset, after, stored.unchanged)
        if reply.status != _CONFLICT:
            break
    return stored.rules, checked(reply)["result"]


def _stored(ruleset: str) -> Generator[Need, Any, _Stored]:
    reply = yield Call("GET", document_path(ruleset))
    if reply.status == 404:
        return _Stored([], {"op_type": "create"}, indexed="error" not in reply.body)
    document = checked(reply)
    unchanged = {
        "if_seq_no": str(document["_seq_no"]),
        "if_primary_term": str(document["_primary_term"]),
    }
    return _Stored(document["_source"]["rules"], unchanged)


def _existing(ruleset: str) -> Generator[Need, Any, _Stored]:
    stored = yield from _stored(ruleset)
    if not stored.rules:
        raise not_found(ruleset)
    return stored


def _create_index() -> Generator[Need, Any, None]:
    reply = yield Call("PUT", f"/{INDEX}", {}, _CREATE)
    error = reply.body.get("error") if reply.status == 400 else None
    if error is None or error.get("type") != "resource_already_exists_exception":
        checked(reply)


def _write(ruleset: str, rules: list[QueryRule], unchanged: Mapping[str, str]) -> Call:
    """Stores a set, or deletes it if it has no rules."""
    method = "PUT" if rules else "DELETE"
    body = {"ruleset_id": ruleset, "rules": rules} if rules else None
    return Call(method, document_path(ruleset), {"refresh": "true", **unchanged}, body)


def _written(result: str) -> Answer:
    return 201 if result == "created" else 200, {"result": result}
