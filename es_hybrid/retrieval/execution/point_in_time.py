"""Leaves and page on one point in time: any page, in four requests.

Open the point in time, request ids and scores of the leaves, request the page, close. The index
may change meanwhile; the search does not see it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from es_hybrid.errors import ElasticsearchError, EsHybridError
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.execution.explain import Explainer
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking, best_first, shown
from es_hybrid.retrieval.execution.groups import Grouping
from es_hybrid.retrieval.execution.own_hits import profile_of, shards_of
from es_hybrid.retrieval.execution.page import (
    group_names,
    page_body,
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
from es_hybrid.retrieval.execution.tree import Leaf
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import Knn, Node, Rescorer
from es_hybrid.retrieval.plan import Key, Plan


def answered(
    plan: Plan, search_in_time: Callable[[Mapping[str, Any]], PointInTimeSearch]
) -> Generator[Need, Any, Answered]:
    """Elasticsearch's answer to the plan, and how it came about.

    Args:
        search_in_time: Makes the search on a point in time.
    """
    if (pit := plan.settings.get("pit")) is not None:  # the caller's own: not closed here
        return (yield from search_in_time(pit).answered())
    opened = checked((yield open_point_in_time(plan)))
    search = search_in_time({"id": opened["id"], "keep_alive": KEEP_ALIVE})
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


class PointInTimeSearch:
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
        # Only of a grouped search.
        self._grouping: Grouping | None = None
        # What each leaf matches, by `id()` of its retriever.
        self._owners: Mapping[int, LeafResult] = {}

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
        page, answer = yield from self._page(ranking)
        answer["took"] += took
        answer["timed_out"] |= any(each.answer["timed_out"] for each in found)
        answer["_shards"] = shards_of([answer, *(each.answer for each in found)])
        answer["hits"] = self._scored(answer["hits"], ranking, page)
        if self._plan.explain:
            explained = yield from self._explained(found, page)
            self._explain(answer["hits"]["hits"], ranking, ranker.report, explained)
        if self._plan.profile:
            shards = [*profile_of(found)["shards"], *answer["profile"]["shards"]]
            answer["profile"] = {"shards": shards}
        return answer, ranker.report

    def _page(self, ranking: Ranking) -> Generator[Need, Any, tuple[Ranking, dict[str, Any]]]:
        """The hits that the request for the page ranks, and its answer."""
        page = ranked_for(self._plan, ranking)
        body = page_body(self._plan, self._root, self._owners, ranking, page)
        return page, dict(checked((yield search_in(self.pit, body))))

    def _explained(
        self, found: Sequence[LeafResult], page: Ranking
    ) -> Generator[Need, Any, Sequence[LeafResult]]:
        """The results of the leaves, with explanations of what the page shows."""
        yield from ()
        return found

    def _found(self) -> Generator[Need, Any, tuple[list[LeafResult], int]]:
        """Results of the leaves, and milliseconds; also notes what each leaf matches."""
        asked = [*self._leaves, *self._uncut()]
        results, took = yield from self._asked(dict(enumerate(asked)))
        self._owners = by_owner(list(results.values()))
        return [results[at] for at in range(len(self._leaves))], took

    def _uncut(self) -> list[Leaf]:
        """Facets also count a vector leaf's neighbours outside the selection."""
        return [leaf for leaf in self._leaves if self._cuts and isinstance(leaf.search, Knn)]

    def _asked(
        self, leaves: Mapping[int, Leaf]
    ) -> Generator[Need, Any, tuple[dict[int, LeafResult], int]]:
        """Results, and milliseconds.

        Args:
            leaves: Place -> leaf; the selection applies to as many as the search has.
        """
        bodies = [self._body(leaf, cut=at < len(self._leaves)) for at, leaf in leaves.items()]
        reply = yield msearch_in(self.pit, bodies)
        found = checked_leaves(reply, list(leaves.values()), kind=self._root.kind)
        return dict(zip(leaves, found, strict=True)), reply.body["took"]

    @property
    def _cuts(self) -> bool:
        """Whether the selection applies in the leaves; to candidates it applies on the page."""
        return self._plan.selected is not None and not self._plan.of_candidates

    def _body(self, leaf: Leaf, *, cut: bool) -> dict[str, Any]:
        body = {
            **self._plan.settings,
            "_source": False,
            **self._extra,
            **ordered(leaf_body(leaf.search), leaf.search, *self._plan.ties, SHARD_DOC),
            "size": leaf.size,
            "track_total_hits": False,
        }
        if not cut:
            body.pop("post_filter", None)
        elif self._cuts:
            body.setdefault("post_filter", self._plan.selected)
        for flag in ("explain", "profile"):
            if getattr(self._plan, flag):
                body[flag] = True
        return body

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
        scores = self._scores(ranking)
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

    def _scores(self, ranking: Ranking) -> dict[Key, float]:
        return {hit.key: hit.score for hit in ranking}

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
