"""`rule` queries and retrievers: which sets of query rules they refer to, and what replaces them.

A query becomes what Elasticsearch rewrites it to. Its `pinned` query, which not every cluster has,
is written in other queries with the same scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from es_hybrid.merchandising.query_rules import AppliedRules, Document
from es_hybrid.retrieval.execution.fuse import MAX_ORGANIC_SCORE, pinned_score
from es_hybrid.retrieval.execution.tree import documents_clause
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.places import objects, places
from es_hybrid.retrieval.retriever_dsl.refusals import as_parsing_error, built, refused

# The query was called `rule_query` before 8.15.
_QUERIES = ("rule", "rule_query")
_OPTIONS = ("boost", "_name")
_KNOWN = ("organic", "match_criteria", "ruleset_id", "ruleset_ids", *_OPTIONS)
_MAX_RULESETS = 10


class RuleReference(NamedTuple):
    """Which rules may apply to a query or retriever.

    Attributes:
        rulesets: Ids of the sets, 1 to 10.
        facts: The `match_criteria`.
    """

    rulesets: tuple[str, ...]
    facts: Mapping[str, Any]


# What the rules that a query refers to do.
Apply = Callable[[RuleReference], AppliedRules]


def has_rules(body: Any) -> bool:
    """Whether a body has a `rule` query or retriever, valid or not."""
    return isinstance(body, Mapping) and any(
        (kind == "query" and _rule_in(value)) or (kind == "retriever" and "rule" in value)
        for value, kind in objects(body)
    )


def rule_queries(body: Mapping[str, Any]) -> list[RuleReference]:
    """What each `rule` query of a body refers to.

    Raises:
        RequestRefused: one is malformed.
    """
    names = ((value, _rule_in(value)) for value, kind in objects(body) if kind == "query")
    return [_parsed(value[name])[0] for value, name in names if name]


def with_applied(value: Any, apply: Apply, kind: str = "body", *, capped: bool = False) -> Any:
    """A body with what Elasticsearch makes of each `rule` query in its place.

    Args:
        kind: Of the value; see `places`.
        capped: Whether a query around it pins documents above all that it finds.
    """
    if isinstance(value, list):
        inside = "query" if kind == "queries" else kind
        return [with_applied(each, apply, inside, capped=capped) for each in value]
    if not isinstance(value, Mapping):
        return value
    if kind == "query" and (name := _rule_in(value)):
        reference, fields = _parsed(value[name])
        rules = apply(reference)
        below = capped or bool(rules.pinned)
        organic = with_applied(fields.mapping("organic"), apply, "query", capped=below)
        query = _rewritten(organic, rules, capped=capped)
        options = {option: fields.raw(option) for option in _OPTIONS if option in fields}
        return {"bool": {"must": [query], **options}} if options else query
    return dict(value) | {
        name: with_applied(part, apply, inner, capped=capped)
        for name, part, inner in places(value, kind)
    }


def check_reference(rulesets: Sequence[str], facts: Mapping[str, Any]) -> None:
    """Refuse what Elasticsearch's `RuleQueryBuilder` refuses."""
    if not facts:
        raise refused("matchCriteria must not be null or empty")
    if not rulesets:
        raise refused("rulesetIds must not be null or empty")
    if len(rulesets) > _MAX_RULESETS:
        raise refused(f"rulesetIds must not contain more than {_MAX_RULESETS} rulesets")
    if "" in rulesets:
        raise refused("rulesetIds must not contain null or empty values")


def excluding(documents: Sequence[Document]) -> list[Clause]:
    """Filters that these documents do not pass."""
    return [{"bool": {"must_not": [documents_clause(documents)]}}] if documents else []


def _rule_in(query: Mapping[str, Any]) -> str:
    """The name of the `rule` query that a query is; empty if it is none."""
    return next((name for name in _QUERIES if isinstance(query.get(name), Mapping)), "")


def _parsed(content: Mapping[str, Any]) -> tuple[RuleReference, Fields]:
    with as_parsing_error():
        fields = Fields("rule", content, _KNOWN)
        facts = fields.mapping("match_criteria")
        one, several = fields.string("ruleset_id"), fields.strings("ruleset_ids")
        fields.mapping("organic")
        fields.required("organic", "match_criteria")
        with built("rule"):
            if (one is None) == (several is None):
                raise refused("ruleset information not provided correctly")
            rulesets = [one] if one is not None else several or []
            check_reference(rulesets, facts or {})
    return RuleReference(tuple(rulesets), facts or {}), fields


def _rewritten(organic: Clause, rules: AppliedRules, *, capped: bool) -> Clause:
    query = organic
    if rules.pinned:
        query = {"dis_max": {"queries": [*_pins(rules.pinned, capped=capped), organic]}}
    if rules.excluded:
        excluded = documents_clause(rules.excluded)
        query = {"bool": {"must": [query], "must_not": [excluded]}}
    return query


def _pins(documents: Sequence[Document], *, capped: bool) -> Iterator[Clause]:
    """Each document with the score that Elasticsearch pins it with."""
    for place, document in enumerate(documents):
        boost = MAX_ORGANIC_SCORE if capped else pinned_score(len(documents) - place)
        yield {"constant_score": {"filter": documents_clause([document]), "boost": boost}}
