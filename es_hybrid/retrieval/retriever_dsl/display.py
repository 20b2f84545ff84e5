"""`display_lang` of `ext.es_hybrid`: each product once, in the shopper's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.facets import group_aggregation, group_count
from es_hybrid.retrieval.compile.shop import display_in
from es_hybrid.retrieval.plan import Key, Plan
from es_hybrid.retrieval.response import VERSION, Retrieved, Stages

# In `fields` of a hit: the id of the version that matched, where another one is shown.
MATCHED = "es_hybrid.matched"
_GROUPS = "es_hybrid.groups"
# What a hit has of its place in the list, and not of the document.
_OF_THE_PLACE = ("_score", "sort", "_explanation", "matched_queries", "inner_hits")


def with_display(
    plan: Plan,
    languages: Sequence[str],
    passport: Passport | None,
    group: str,
    body: Mapping[str, Any],
) -> Plan:
    """The plan of a body whose hits are shown in these languages.

    Without a `collapse`, whose total counts documents in Elasticsearch, groups are counted too.
    """
    fetch = plan.fetch
    if isinstance(fetch.get("highlight"), Mapping) and "query" in body:
        # The request for the versions has another query.
        fetch = {**fetch, "highlight": {"highlight_query": body["query"], **fetch["highlight"]}}
    aggs = plan.aggs
    if plan.collapse is None and plan.track_total_hits is not False:
        narrowed = [plan.selected] if plan.selected else []
        aggs = {**(aggs or {}), _GROUPS: group_aggregation(group, narrowed)}
    return replace(plan, display=display_in(languages, passport), fetch=fetch, aggs=aggs)


def displayed(found: Retrieved) -> Retrieved:
    """The answer with each hit as the version to show, and groups as its total."""
    answer = dict(found.answer)
    hits = dict(answer["hits"])
    if groups := answer.get("aggregations", {}).get(_GROUPS):
        counted = {k: v for k, v in answer.pop("aggregations").items() if k != _GROUPS}
        answer |= {"aggregations": counted} if counted else {}
        hits["total"] = {"value": group_count(groups), "relation": "eq"}
    shown = {
        Key(hit["_index"], hit[VERSION]["_id"]): Key(hit["_index"], hit["_id"])
        for hit in hits["hits"]
        if VERSION in hit
    }
    hits["hits"] = [_as_version(hit) for hit in hits["hits"]]
    stages = [found.read_stages, found.read_whole_stages]
    read, read_whole = (lambda read=read: _named(read(), shown) for read in stages)
    return replace(
        found, answer={**answer, "hits": hits}, read_stages=read, read_whole_stages=read_whole
    )


def _as_version(hit: Mapping[str, Any]) -> Mapping[str, Any]:
    version = hit.get(VERSION)
    if version is None:
        return hit
    place = {name: hit[name] for name in _OF_THE_PLACE if name in hit}
    fields = {**hit.get("fields", {}), **version.get("fields", {}), MATCHED: [hit["_id"]]}
    return {**version, **place, "fields": fields}


def _named(stages: Stages, shown: Mapping[Key, Key]) -> Stages:
    """The stages, in which a version has the places of the one that matched."""
    return {
        stage: {**ranks, **{new: ranks[old] for new, old in shown.items() if old in ranks}}
        for stage, ranks in stages.items()
    }
