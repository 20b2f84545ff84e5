"""A search on a point in time whose page shows one hit of each group.

The leaves return ids, scores and groups only, for there may be thousands of documents. What the
page shows of its hits, and what a reranker reads, is requested when it is known which they are.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.execution.failures import refusal
from es_hybrid.retrieval.execution.fuse import Ranking
from es_hybrid.retrieval.execution.groups import FoundHit, Grouping
from es_hybrid.retrieval.execution.page import (
    documents_query,
    group_names,
    page_body,
    places_query,
)
from es_hybrid.retrieval.execution.point_in_time import PointInTimeSearch
from es_hybrid.retrieval.execution.requests import (
    LeafResult,
    by_owner,
    checked,
    checked_leaves,
    msearch_in,
    search_in,
)
from es_hybrid.retrieval.execution.tree import Leaf
from es_hybrid.retrieval.execution.versions import preferred, versions_body, versions_of
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import Groups, Node
from es_hybrid.retrieval.plan import Display, Key, Plan
from es_hybrid.retrieval.response import VERSION


class GroupedSearch(PointInTimeSearch):
    """One search of groups.

    Args:
        node: The retriever in the tree that keeps one hit of each.
    """

    _grouping: Grouping

    def __init__(
        self,
        plan: Plan,
        root: Node,
        leaves: Sequence[Leaf],
        extra: Mapping[str, Any],
        abilities: Abilities,
        node: Groups,
        pit: Mapping[str, Any],
    ) -> None:
        super().__init__(plan, root, leaves, extra, abilities, pit)
        sizes = abilities.group_sizes
        self._grouping = Grouping(node, plan, sizes, order=self._sorted, read=self._read)
        # The answer that sorted the documents.
        self._order: Mapping[str, Any] = {}

    def _found(self) -> Generator[Need, Any, tuple[list[LeafResult], int]]:
        """As for any search; leaves are asked for more until they have enough groups."""
        asked = [self._grouping.first_asked(leaf) for leaf in [*self._leaves, *self._uncut()]]
        waiting, took = dict(enumerate(asked)), 0
        everything: dict[int, LeafResult] = {}
        while waiting:
            found, spent = yield from self._asked(waiting)
            took += spent
            everything |= found
            more = self._grouping.lacking(list(found.values()))
            waiting = {
                at: more[id(leaf.owner)] for at, leaf in enumerate(asked) if id(leaf.owner) in more
            }
        results = [everything[at] for at in range(len(asked))]
        self._grouping.cut(results)
        self._owners = by_owner(results)
        return results[: len(self._leaves)], took

    def _body(self, leaf: Leaf, *, cut: bool) -> dict[str, Any]:
        body = super()._body(replace(leaf, search=self._grouping.search(leaf)), cut=cut)
        # Thousands of hits are explained when it is known which of them the page shows.
        body.pop("explain", None)
        fields = [*self._extra.get("docvalue_fields", ()), self._grouping.node.field]
        return {**body, "_source": False, "docvalue_fields": fields}

    def _page(self, ranking: Ranking) -> Generator[Need, Any, tuple[Ranking, dict[str, Any]]]:
        plan, grouping = self._plan, self._grouping
        page = ranking[plan.from_ : plan.from_ + plan.size]
        ranked, body = self._page_body(page)
        if plan.display is not None and grouping.named(page):
            answer = yield from self._displayed(body, page, plan.display)
        else:
            answer = dict(checked((yield search_in(self.pit, body))))
        if self._order:
            counted = {k: v for k, v in self._order["hits"].items() if k == "total"}
            answer["hits"] = {**counted, **answer["hits"]}
            answer |= {k: v for k, v in self._order.items() if k == "aggregations"}
        if grouping.node.alone:
            self._name_groups(answer["hits"]["hits"])
        return ranked, answer

    def _page_body(self, page: Ranking) -> tuple[Ranking, dict[str, Any]]:
        """The documents that the request for the page ranks, and its body."""
        plan, grouping = self._plan, self._grouping
        keys = {hit.key for hit in page}
        members = grouping.members(page) if group_names(plan.collapse) else []
        plan = replace(plan, from_=0, size=len(page))
        if plan.sort is None:
            ranked = page + [hit for hit in members if hit.key not in keys]
            return ranked, page_body(plan, self._root, self._owners, grouping.ranked, ranked)
        # Sorted and counted already. Scores only order equal values.
        ranked = members or [hit for hit in grouping.ranked if hit.key in keys]
        plan = replace(plan, aggs=None, track_total_hits=False)
        return ranked, page_body(plan, self._root, self._owners, ranked, ranked)

    def _displayed(
        self, body: Mapping[str, Any], page: Ranking, display: Display
    ) -> Generator[Need, Any, dict[str, Any]]:
        """The answer to the request for the page, each hit with the version to show."""
        plan, grouping = self._plan, self._grouping
        versions = versions_body(
            display,
            grouping.node.field,
            grouping.named(page),
            filters=[*plan.root.filters, *([plan.selected] if plan.selected else [])],
            ranks=places_query(grouping.members(page)),
            fetch=plan.fetch,
        )
        reply = yield msearch_in(self.pit, [body, {**plan.settings, **versions}])
        answers = checked(reply)["responses"]
        for answer in answers:
            if "error" in answer:
                raise refusal(answer["status"], answer)
        answer, found = dict(answers[0]), versions_of(answers[1])
        for hit in answer["hits"]["hits"]:
            group = grouping.group_of[Key(hit["_index"], hit["_id"])]
            version = preferred(found.get(group, {}), display.languages)
            if version is not None and version["_id"] != hit["_id"]:
                hit[VERSION] = version
        return answer

    def _name_groups(self, hits: Sequence[dict[str, Any]]) -> None:
        """Add the group to each hit, as Elasticsearch does where the plan lets it collapse."""
        grouping = self._grouping
        for hit in hits:
            key = Key(hit["_index"], hit["_id"])
            if (group := grouping.group_of[key]) != key:
                hit["fields"] = {**hit.get("fields", {}), grouping.node.field: [group]}

    def _sorted(self, ranking: Ranking) -> Generator[Need, Any, Ranking]:
        """The documents of groups in the order of the plan's `sort`, counted too."""
        plan = replace(
            self._plan, from_=0, size=len(ranking), fetch={"_source": False}, collapse=None,
            suggest=None, explain=False, profile=False,
        )  # fmt: skip
        body = page_body(plan, self._root, self._owners, ranking, ranking)
        self._order = checked((yield search_in(self.pit, body)))
        by_key = {hit.key: hit for hit in ranking}
        hits = self._order["hits"]["hits"]
        return [by_key[Key(hit["_index"], hit["_id"])] for hit in hits]

    def _read(self, ranking: Ranking) -> Generator[Need, Any, dict[Key, FoundHit]]:
        """What a reranker reads of these documents."""
        body = {
            **self._plan.settings,
            **self._extra,
            "query": documents_query(hit.key for hit in ranking),
            "size": len(ranking),
            "track_total_hits": False,
        }
        hits = checked((yield search_in(self.pit, body)))["hits"]["hits"]
        return {Key(hit["_index"], hit["_id"]): (hit, []) for hit in hits}

    def _explained(
        self, found: Sequence[LeafResult], page: Ranking
    ) -> Generator[Need, Any, list[LeafResult]]:
        """The results of the leaves, explained, as far as the page shows them."""
        shown = {"post_filter": documents_query(hit.key for hit in page), "explain": True}
        leaves = [each.leaf for each in found]
        bodies = [{**self._body(leaf, cut=False), **shown} for leaf in leaves]
        return checked_leaves((yield msearch_in(self.pit, bodies)), leaves, kind=self._root.kind)

    def _scores(self, ranking: Ranking) -> dict[Key, float]:
        return {hit.key: hit.score for hit in [*self._grouping.ranked, *ranking]}
