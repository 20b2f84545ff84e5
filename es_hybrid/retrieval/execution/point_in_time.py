"""Leaves and page on one point in time: any page, in four requests.

Open the point in time, request ids and scores of the leaves, request the page, close. The index
may change meanwhile; the search does not see it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from es_hybrid.errors import ElasticsearchError, EsHybridError
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.execution.explain import Explainer
from es_hybrid.retrieval.execution.failures import refusal
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking, best_first, shown
from es_hybrid.retrieval.execution.groups import FoundHit, Grouping
from es_hybrid.retrieval.execution.own_hits import profile_of, shards_of
from es_hybrid.retrieval.execution.page import (
    documents_query,
    group_names,
    page_body,
    places_query,
    rank_query,
    ranked_for,
)
from es_hybrid.retrieval.execution.rank import Ranker
from es_hybrid.retrieval.execution.report import Answered, Report
from es_hybrid.retrieval.execution.requests import (
    KEEP_ALIVE,
    SHARD_DOC,
    LeafResult,
    by_owner,
    checked,
    checked_leaves,
    close_point_in_time,
    leaf_body,
    msearch_in,
    open_point_in_time,
    ordered,
    search_in,
)
from es_hybrid.retrieval.execution.stored_vectors import read_vectors
from es_hybrid.retrieval.execution.tree import Leaf, groups_of
from es_hybrid.retrieval.execution.versions import preferred, versions_body, versions_of
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import Knn, Node, Rescorer
from es_hybrid.retrieval.plan import Key, Plan
from es_hybrid.retrieval.response import VERSION


def answered(
    plan: Plan,
    root: Node,
    leaves: Sequence[Leaf],
    extra: Mapping[str, Any],
    abilities: Abilities,
) -> Generator[Need, Any, Answered]:
    """Elasticsearch's answer to the plan, and how it came about.

    Args:
        extra: What the leaves must return for retrievers above them.
    """
    if (pit := plan.settings.get("pit")) is not None:  # the caller's own: not closed here
        return (yield from _Search(plan, root, leaves, extra, abilities, pit).answered())
    opened = checked((yield open_point_in_time(plan)))
    pit = {"id": opened["id"], "keep_alive": KEEP_ALIVE}
    search = _Search(plan, root, leaves, extra, abilities, pit)
    try:
        result = yield from search.answered()
    except EsHybridError:
        yield from _closed(search.pit)
        raise
    yield from _closed(search.pit)
    answer, report = result
    return _without(answer, "pit_id"), report


def _closed(pit: Mapping[str, Any]) -> Generator[Need, Any, None]:
    """A failure here does not lose the answer: the keep-alive closes it as well."""
    try:
        yield close_point_in_time(pit)
    except ElasticsearchError:
        return


class _Search:
    """One search on a point in time."""

    def __init__(
        self,
        plan: Plan,
        root: Node,
        leaves: Sequence[Leaf],
        extra: Mapping[str, Any],
        abilities: Abilities,
        pit: Mapping[str, Any],
    ) -> None:
        self.pit = pit
        self._plan = plan
        self._root = root
        self._leaves = leaves
        self._extra = extra
        self._packed = abilities.packed_vectors
        self._grouping = None
        if (node := groups_of(root)) is not None:
            sizes = abilities.group_sizes
            self._grouping = Grouping(node, plan, sizes, order=self._sorted, read=self._read)
        self._owners: Mapping[int, LeafResult] = {}
        # The answer that sorted the documents of groups.
        self._order: Mapping[str, Any] = {}

    def answered(self) -> Generator[Need, Any, Answered]:
        """Request the leaves, rank, request the page."""
        found, took = yield from self._found()
        ranker = Ranker(
            self._plan,
            self._root,
            found,
            read_vectors=partial(
                read_vectors, self._plan, partial(search_in, self.pit), self._packed
            ),
            rescore=self._rescored,
            grouping=self._grouping,
        )
        ranking = yield from ranker.ranking()
        if self._grouping is None:
            page = ranked_for(self._plan, ranking)
            body = page_body(self._plan, self._root, self._owners, ranking, page)
        else:
            page, body = self._page_of_groups(self._grouping, ranking)
        answer = yield from self._page(body, ranking)
        answer["took"] += took
        answer["timed_out"] |= any(each.answer["timed_out"] for each in found)
        answer["_shards"] = shards_of([answer, *(each.answer for each in found)])
        answer["hits"] = self._scored(answer["hits"], ranking, page)
        self._name_groups(answer["hits"]["hits"])
        if self._order:
            counted = {k: v for k, v in self._order["hits"].items() if k == "total"}
            answer["hits"] = {**counted, **answer["hits"]}
            answer |= {name: self._order[name] for name in ["aggregations"] if name in self._order}
        if self._plan.explain:
            if self._grouping is not None:
                found = yield from self._explained(found, page)
            self._explain(answer["hits"]["hits"], ranking, ranker.report, found)
        if self._plan.profile:
            shards = [*profile_of(found)["shards"], *answer["profile"]["shards"]]
            answer["profile"] = {"shards": shards}
        return answer, ranker.report

    def _found(self) -> Generator[Need, Any, tuple[list[LeafResult], int]]:
        """Results of the leaves, and milliseconds; also notes what each leaf matches."""
        # Facets also count a vector leaf's neighbours outside the selection.
        uncut = [leaf for leaf in self._leaves if self._cuts and isinstance(leaf.search, Knn)]
        asked = [*self._leaves, *uncut]
        if self._grouping is not None:
            asked = [self._grouping.first_asked(leaf) for leaf in asked]
        everything: dict[int, LeafResult] = {}
        waiting, took = list(range(len(asked))), 0
        while waiting:
            bodies = [self._body(asked[at], cut=at < len(self._leaves)) for at in waiting]
            reply = yield msearch_in(self.pit, bodies)
            leaves = [asked[at] for at in waiting]
            found = checked_leaves(reply, leaves, kind=self._root.kind)
            took += reply.body["took"]
            everything |= zip(waiting, found, strict=True)
            if self._grouping is None:
                break
            more = self._grouping.lacking(found)
            asked = [more.get(id(leaf.owner), leaf) for leaf in asked]
            waiting = [at for at, leaf in enumerate(asked) if id(leaf.owner) in more]
        results = [everything[at] for at in range(len(asked))]
        if self._grouping is not None:
            self._grouping.cut(results)
        self._owners = by_owner(results)
        return results[: len(self._leaves)], took

    @property
    def _cuts(self) -> bool:
        """Whether the selection applies in the leaves; to candidates it applies on the page."""
        return self._plan.selected is not None and not self._plan.of_candidates

    def _body(self, leaf: Leaf, *, cut: bool) -> dict[str, Any]:
        search = leaf.search if self._grouping is None else self._grouping.search(leaf)
        body = {
            **self._plan.settings,
            "_source": False,
            **self._extra,
            **ordered(leaf_body(search), search, *self._plan.ties, SHARD_DOC),
            "size": leaf.size,
            "track_total_hits": False,
        }
        if not cut:
            body.pop("post_filter", None)
        elif self._cuts:
            body.setdefault("post_filter", self._plan.selected)
        if self._grouping is not None:
            body["_source"] = False
            read = self._extra.get("docvalue_fields", [])
            body["docvalue_fields"] = [*read, self._grouping.node.field]
        for flag in ("explain", "profile"):
            # Thousands of hits are explained when it is known which of them the page shows.
            if getattr(self._plan, flag) and (flag == "profile" or self._grouping is None):
                body[flag] = True
        return body

    def _page(
        self, body: Mapping[str, Any], ranking: Ranking
    ) -> Generator[Need, Any, dict[str, Any]]:
        """The answer to the request for the page, each hit with the version to show."""
        plan, grouping = self._plan, self._grouping
        page = ranking[plan.from_ : plan.from_ + plan.size]
        groups = [] if grouping is None else grouping.named(page)
        if plan.display is None or grouping is None or not groups:
            return dict(checked((yield search_in(self.pit, body))))
        field = grouping.node.field
        versions = versions_body(
            plan.display,
            field,
            groups,
            filters=[*plan.root.filters, *([plan.selected] if plan.selected else [])],
            ranks=places_query(grouping.members(page)),
            fetch=plan.fetch,
        )
        reply = yield msearch_in(self.pit, [body, {**plan.settings, **versions}])
        for answer in (answers := checked(reply)["responses"]):
            if "error" in answer:
                raise refusal(answer["status"], answer)
        answer, found = dict(answers[0]), versions_of(answers[1])
        for hit in answer["hits"]["hits"]:
            group = grouping.group_of[Key(hit["_index"], hit["_id"])]
            version = preferred(found.get(group, {}), plan.display.languages)
            if version is not None and version["_id"] != hit["_id"]:
                hit[VERSION] = version
        return answer

    def _page_of_groups(
        self, grouping: Grouping, ranking: Ranking
    ) -> tuple[Ranking, dict[str, Any]]:
        """The documents that the request for the page ranks, and its body."""
        plan = self._plan
        page = ranking[plan.from_ : plan.from_ + plan.size]
        keys = {hit.key for hit in page}
        members = grouping.members(page) if group_names(plan.collapse) else []
        plan = replace(plan, from_=0, size=len(page))
        if plan.sort is None:
            shown = page + [hit for hit in members if hit.key not in keys]
            return shown, page_body(plan, self._root, self._owners, grouping.ranked, shown)
        # Sorted and counted already. Scores only order equal values.
        shown = members or [hit for hit in grouping.ranked if hit.key in keys]
        plan = replace(plan, aggs=None, track_total_hits=False)
        return shown, page_body(plan, self._root, self._owners, shown, shown)

    def _name_groups(self, hits: Sequence[dict[str, Any]]) -> None:
        """Add the group to each hit, as Elasticsearch does where the plan lets it collapse."""
        grouping = self._grouping
        if grouping is None or not grouping.node.alone:
            return
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

    def _rescored(self, node: Rescorer, ranking: Ranking) -> Generator[Need, Any, Ranking]:
        """A ranking made here, rescored by Elasticsearch."""
        body = {
            **self._plan.settings,
            "_source": False,
            "query": rank_query(ranking, (hit.score for hit in ranking)),
            "rescore": list(node.rescore),
            "size": len(ranking),
            "track_total_hits": False,
        }
        hits = checked((yield search_in(self.pit, body)))["hits"]["hits"]
        places = {hit.key: hit.place for hit in ranking}
        return best_first(
            Ranked(
                Key(hit["_index"], hit["_id"]),
                hit["_score"],
                places[Key(hit["_index"], hit["_id"])],
            )
            for hit in hits
        )

    def _scored(self, hits: Mapping[str, Any], ranking: Ranking, page: Ranking) -> dict[str, Any]:
        """The page's hits, with the scores of the ranking in place of their ranks from the end."""
        scored = ranking if self._grouping is None else [*self._grouping.ranked, *ranking]
        scores = {hit.key: hit.score for hit in scored}
        groups = group_names(self._plan.collapse)
        for hit in hits["hits"]:
            _score(hit, scores)
            for name in groups & hit.get("inner_hits", {}).keys():
                self._score_group(hit["inner_hits"][name]["hits"], scores, page)
            if self._plan.sort is not None:
                # A point in time appends a tie-breaking value.
                hit["sort"] = hit["sort"][: len(self._plan.sort)]
            elif self._plan.ties:
                hit["sort"] = [hit["_score"], *hit["sort"][1 : 1 + len(self._plan.ties)]]
        best = hits.get("max_score")
        if best:
            first = page[len(page) - int(best)] if page is ranking else ranking[0]
            best = shown(first.score)
        return {**hits, "max_score": best}

    def _score_group(
        self, group: dict[str, Any], scores: Mapping[Key, float], page: Ranking
    ) -> None:
        """The same for the hits of a group; other inner hits have scores of their own."""
        for hit in group["hits"]:
            _score(hit, scores)
        if group["max_score"]:
            group["max_score"] = shown(page[len(page) - int(group["max_score"])].score)

    def _explain(
        self,
        hits: Sequence[dict[str, Any]],
        ranking: Ranking,
        report: Report,
        found: Sequence[LeafResult],
    ) -> None:
        ranked = {hit.key: hit for hit in ranking}
        explainer = Explainer(self._root, report, found)
        for hit in hits:
            if (own := ranked.get(Key(hit["_index"], hit["_id"]))) is not None:
                hit["_explanation"] = explainer.explanation(own)


def _score(hit: dict[str, Any], scores: Mapping[Key, float]) -> None:
    if hit.get("_score") is not None:
        hit["_score"] = shown(scores.get(Key(hit["_index"], hit["_id"]), 0.0))


def _without(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}
