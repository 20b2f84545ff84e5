"""Applies Elasticsearch's query rules to searches, where the cluster's licence lacks them.

`rule` queries are replaced before a body is parsed, `rule` retrievers when their tree runs here.
The sets are documents of an index of es-hybrid's own, read as they are at this moment; those of a
cluster that has query rules, but has to leave a tree to es-hybrid, are read from its API.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from es_hybrid.errors import RequestRefused
from es_hybrid.merchandising.query_rules import AppliedRules, applied
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.execution.failures import refusal
from es_hybrid.retrieval.execution.requests import checked
from es_hybrid.retrieval.execution.tree import children, walk, with_children
from es_hybrid.retrieval.needs import Call, Need
from es_hybrid.retrieval.nodes import Clause, Compound, Node, Pinned, RuleRetriever
from es_hybrid.retrieval.retriever_dsl.rules import (
    RuleReference,
    excluding,
    has_rules,
    rule_queries,
    with_applied,
)

API = "/_query_rules"
INDEX = "es-hybrid-query-rules"

_NOT_FOUND = "resource_not_found_exception"

_Rulesets = Mapping[str, Mapping[str, Any]]


def runs_query_rules(abilities: Abilities) -> Generator[Need, Any, bool]:
    """Whether the cluster has query rules; it is asked every few minutes."""
    if abilities.query_rules is None:
        reply = yield Call("GET", API, {"size": "0"})
        return abilities.learn_query_rules(reply.status, reply.body)
    return abilities.query_rules


def ruled_queries(
    body: Mapping[str, Any], context: Context
) -> Generator[Need, Any, Mapping[str, Any]]:
    """The body with rules applied in place of each `rule` query, unless the cluster does that.

    Raises:
        RequestRefused: a query is malformed, or there is no such set.
    """
    if not has_rules(body) or context.runs_in == "native":
        return body
    if (yield from runs_query_rules(context.abilities)):
        return body
    references = rule_queries(body)
    if not references:
        return body
    rulesets = yield from _read(references, context)
    changed: Mapping[str, Any] = with_applied(body, lambda each: _applied(each, rulesets))
    return changed


def ruled_tree(root: Node, context: Context) -> Generator[Need, Any, Node]:
    """The tree with rules applied by its `rule` retrievers, unless the cluster runs it whole.

    Raises:
        RequestRefused: there is no such set.
    """
    rules = [node for node in walk(root) if isinstance(node, RuleRetriever) and node.rulesets]
    if not rules or context.runs_in == "native":
        return root
    yield from runs_query_rules(context.abilities)
    whole = context.abilities.runs_whole(root, execution=context.runs_in, reranks=context.reranks)
    if id(root) in whole:
        return root
    references = [RuleReference(node.rulesets, node.facts) for node in rules]
    rulesets = yield from _read(references, context)
    return _with_rules(root, rulesets)


def not_found(reason: str) -> RequestRefused:
    """Elasticsearch's error for a set or rule that does not exist."""
    return RequestRefused(reason, status=404, type=_NOT_FOUND)


def document_path(ruleset: str) -> str:
    """The path of a stored set."""
    return f"/{INDEX}/_doc/{quote(ruleset, safe='')}"


def _with_rules(node: Node, rulesets: _Rulesets, above: Sequence[Clause] = ()) -> Node:
    """The tree with its rules applied.

    Args:
        above: What the retrievers above exclude, also of what those below pin.
    """
    if not isinstance(node, Compound):
        return node
    if isinstance(node, RuleRetriever):
        rules = _applied(RuleReference(node.rulesets, node.facts), rulesets)
        above = (*above, *excluding(rules.excluded))
        node = replace(node, rulesets=(), documents=rules.pinned)
    if isinstance(node, Pinned):
        node = replace(node, excluding=tuple(above))
    return with_children(node, [_with_rules(child, rulesets, above) for child in children(node)])


def _applied(reference: RuleReference, rulesets: _Rulesets) -> AppliedRules:
    return applied((rulesets[name] for name in reference.rulesets), reference.facts)


def _read(
    references: Iterable[RuleReference], context: Context
) -> Generator[Need, Any, dict[str, Mapping[str, Any]]]:
    """The sets by id."""
    names = list(dict.fromkeys(name for each in references for name in each.rulesets))
    if context.abilities.query_rules:
        return (yield from _from_api(names))
    reply = yield Call("POST", f"/{INDEX}/_mget", {}, {"ids": names})
    found = {}
    for name, document in zip(names, checked(reply)["docs"], strict=True):
        error = document.get("error")
        if error is not None and error["type"] != "index_not_found_exception":
            status = 403 if error["type"] == "security_exception" else 503
            raise refusal(status, {"error": error, "status": status})
        if not document.get("found"):
            raise not_found(f"query ruleset {name} not found")
        found[name] = document["_source"]
    return found


def _from_api(names: Iterable[str]) -> Generator[Need, Any, dict[str, Mapping[str, Any]]]:
    found = {}
    for name in names:
        reply = yield Call("GET", f"{API}/{quote(name, safe='')}")
        if reply.status == 404:
            raise not_found(f"query ruleset {name} not found")
        found[name] = checked(reply)
    return found
