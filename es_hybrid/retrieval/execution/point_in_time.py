"""Leaves and page on one point in time: whatever a page shows, in four requests.

Open the point in time, ask the leaves for ids and scores, ask for the page, close. The index may
change meanwhile; the search does not see it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from es_hybrid.errors import ElasticsearchError, EsHybridError
from es_hybrid.retrieval.execution.dsl import leaf_body
from es_hybrid.retrieval.execution.explain import explanation
from es_hybrid.retrieval.execution.fuse import Ranked, Ranking, best_first, shown
from es_hybrid.retrieval.execution.leaves import Found, Leaf, by_owner
from es_hybrid.retrieval.execution.own_hits import profile_of, shards_of
from es_hybrid.retrieval.execution.page import page_body, rank_query, ranked_for
from es_hybrid.retrieval.execution.rank import Ranker, Report
from es_hybrid.retrieval.execution.requests import (
    KEEP_ALIVE,
    checked,
    checked_leaves,
    close_point_in_time,
    msearch_in,
    open_point_in_time,
    search_in,
)
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.plan import Knn, Node, Plan, Rescorer
from es_hybrid.retrieval.retrieved import key_of

Answered = tuple[dict[str, Any], Report]

# Elasticsearch's own order: by score, and of equal scores by shard and place in the shard.
_BY_SCORE = {"sort": ["_score", "_shard_doc"], "track_scores": True}


def answered(
    plan: Plan, root: Node, leaves: Sequence[Leaf], extra: Mapping[str, Any]
) -> Generator[Need, Any, Answered]:
    """Elasticsearch's answer to the plan, and how it came about.

    Args:
        extra: What the reranker reads of each hit.
    """
    if (pit := plan.settings.get("pit")) is not None:  # the caller's, and left open
        return (yield from _Search(plan, root, leaves, extra, pit).answered())
    opened = checked((yield open_point_in_time(plan)))
    search = _Search(plan, root, leaves, extra, {"id": opened["id"], "keep_alive": KEEP_ALIVE})
    try:
        result = yield from search.answered()
    except EsHybridError:
        yield from _closed(search.pit)
        raise
    yield from _closed(search.pit)
    answer, report = result
    return _without(answer, "pit_id"), report


def _closed(pit: Mapping[str, Any]) -> Generator[Need, Any, None]:
    """An answer is not lost because the cluster went away after it: the keep-alive ends too."""
    try:
        yield close_point_in_time(pit)
    except ElasticsearchError:
        return


class _Search:
    """One search under way on a point in time."""

    def __init__(
        self,
        plan: Plan,
        root: Node,
        leaves: Sequence[Leaf],
        extra: Mapping[str, Any],
        pit: Mapping[str, Any],
    ) -> None:
        self.pit = pit
        self._plan = plan
        self._root = root
        self._leaves = leaves
        self._extra = extra

    def answered(self) -> Generator[Need, Any, Answered]:
        """Ask the leaves, rank, ask for the page."""
        found, owners, took = yield from self._found()
        ranker = Ranker(self._plan, self._root, found, rescore=self._rescored)
        ranking = yield from ranker.ranking()
        page = ranked_for(self._plan, ranking)
        body = page_body(self._plan, self._root, owners, ranking, page)
        answer = dict(checked((yield search_in(self.pit, body))))
        answer["took"] += took
        answer["timed_out"] |= any(each.answer["timed_out"] for each in found)
        answer["_shards"] = shards_of([answer, *(each.answer for each in found)])
        answer["hits"] = self._scored(answer["hits"], ranking, page)
        if self._plan.explain:
            self._explain(answer["hits"]["hits"], ranking, ranker.report, found)
        if self._plan.profile:
            shards = [*profile_of(found)["shards"], *answer["profile"]["shards"]]
            answer["profile"] = {"shards": shards}
        return answer, ranker.report

    def _found(self) -> Generator[Need, Any, tuple[list[Found], dict[int, Found], int]]:
        """What the leaves brought; the same by owner, for counting; milliseconds."""
        bodies = [self._body(leaf) for leaf in self._leaves]
        # A vector leaf's neighbours outside the selection are counted by facets all the same.
        uncut = [leaf for leaf in self._leaves if self._cuts and isinstance(leaf.search, Knn)]
        bodies += [_without(self._body(leaf), "post_filter") for leaf in uncut]
        asked = [*self._leaves, *uncut]
        reply = yield msearch_in(self.pit, bodies)
        answers = checked_leaves(reply, [leaf.owner.stage for leaf in asked], kind=self._root.kind)
        everything = [Found(leaf, answer) for leaf, answer in zip(asked, answers, strict=True)]
        found = everything[: len(self._leaves)]
        return found, by_owner(everything), reply.body["took"]

    @property
    def _cuts(self) -> bool:
        """Whether a selection holds in the leaves; candidates are thinned on the page instead."""
        return self._plan.selected is not None and not self._plan.of_candidates

    def _body(self, leaf: Leaf) -> dict[str, Any]:
        body = {
            **self._plan.settings,
            "_source": False,
            **self._extra,
            **leaf_body(leaf.search),
            "size": leaf.size,
            "track_total_hits": False,
        }
        if leaf.orders:
            body |= {**_BY_SCORE, "sort": [*body.get("sort", ["_score"]), "_shard_doc"]}
        if self._cuts:
            body["post_filter"] = self._plan.selected
        for flag in ("explain", "profile"):
            if getattr(self._plan, flag):
                body[flag] = True
        return body

    def _rescored(self, node: Rescorer, ranking: Ranking) -> Generator[Need, Any, Ranking]:
        """A ranking that was made here, rescored by Elasticsearch."""
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
        return best_first(Ranked(key_of(hit), hit["_score"], places[key_of(hit)]) for hit in hits)

    def _scored(self, hits: Mapping[str, Any], ranking: Ranking, page: Ranking) -> dict[str, Any]:
        """The page's hits with the scores of the ranking in place of their ranks from the end."""
        scores = {hit.key: hit.score for hit in ranking}
        for hit in hits["hits"]:
            _score(hit, scores)
            if self._plan.sort is not None:
                # A point in time adds a value that settles equal ones.
                hit["sort"] = hit["sort"][: len(self._plan.sort)]
        best = hits.get("max_score")
        if best:
            first = page[len(page) - int(best)] if page is ranking else ranking[0]
            best = shown(first.score)
        return {**hits, "max_score": best}

    def _explain(
        self,
        hits: Sequence[dict[str, Any]],
        ranking: Ranking,
        report: Report,
        found: Sequence[Found],
    ) -> None:
        ranked = {hit.key: hit for hit in ranking}
        for hit in hits:
            if (own := ranked.get(key_of(hit))) is not None:
                hit["_explanation"] = explanation(self._root, own, report, found)


def _score(hit: dict[str, Any], scores: Mapping[Any, float]) -> None:
    """A hit's score, and those of the hits inside it."""
    if hit.get("_score") is not None:
        hit["_score"] = shown(scores.get(key_of(hit), 0.0))
    for inner in hit.get("inner_hits", {}).values():
        for below in inner["hits"]["hits"]:
            _score(below, scores)


def _without(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}
