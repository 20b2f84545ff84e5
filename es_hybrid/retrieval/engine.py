"""`execute`: one plan, run. The one place where the order of a search is written.

    vectors -> leaves -> fuse, rerank, pin -> page

It does no I/O: it yields what it needs (see `retrieval.needs`) and is sent the result, or thrown
the error. Whoever drives it decides how to wait.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

from es_hybrid.errors import EmbeddingError, RequestRefused
from es_hybrid.retrieval.execution import own_hits, point_in_time
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.execution.leaves import Found, leaves_of
from es_hybrid.retrieval.execution.native import native_body, suits
from es_hybrid.retrieval.execution.rank import Ranker, Report
from es_hybrid.retrieval.execution.requests import checked, checked_leaves, msearch, search
from es_hybrid.retrieval.execution.tree import (
    pushed_down,
    rerank_fields,
    run_here,
    texts,
    walk,
    with_vectors,
)
from es_hybrid.retrieval.needs import EmbedQuery, Need
from es_hybrid.retrieval.plan import Linear, Node, Pinned, Plan, Rerank, Rrf
from es_hybrid.retrieval.retrieved import Retrieved, key_of

Search = Generator[Need, Any, Retrieved]
Answered = tuple[dict[str, Any], Report]
# Of each leaf, and the milliseconds of all.
Answers = tuple[list[Mapping[str, Any]], int]


def execute(
    plan: Plan, *, abilities: Abilities, execution: Execution = "auto", reranks: bool = False
) -> Search:
    """Run a plan: send each need's result back, until it returns what was found.

    Args:
        abilities: Of the cluster; one for all searches of a client.
        execution: Where compound retrievers run: `native` in Elasticsearch, `client` here, `auto`
            in Elasticsearch as far as it allows.
        reranks: Whether `ScoreDocuments` can be answered.

    Raises:
        RequestRefused: Elasticsearch refuses the search, or would.
        EmbeddingError: no vector, and nothing left without it, or the plan does not degrade.
        RerankError: no scores, and the plan does not degrade.
        ElasticsearchError: the cluster cannot be reached.
    """
    root, degraded = yield from _embedded(plan)
    while True:
        run = _Run(plan, root, abilities, execution, reranks)
        try:
            answer, report = yield from run.answered()
        except RequestRefused as refused:
            # What was refused is not sent again, so this ends.
            if execution == "auto" and run.sent & abilities.learn(refused.status, refused.body()):
                continue
            raise
        return Retrieved(
            answer=answer,
            told_stages=partial(report.stages, {key_of(hit) for hit in answer["hits"]["hits"]}),
            degraded=(*degraded, *report.degraded),
            notes=tuple(report.notes),
            reranked=report.reranked,
        )


def _embedded(plan: Plan) -> Generator[Need, Any, tuple[Node, list[str]]]:
    """The tree with its vectors; what cannot be embedded falls away, said aloud."""
    vectors: dict[str, Sequence[float] | None] = dict.fromkeys(texts(plan.root))
    failure: EmbeddingError | None = None
    try:
        for text in vectors:
            vectors[text] = yield EmbedQuery(text)
    except EmbeddingError as error:  # the next text would only wait for the same
        if not plan.degrade:
            raise
        failure = error
    root = with_vectors(plan.root, vectors)
    if failure is None:
        assert root is not None
        return root, []
    if root is None:
        raise failure
    return root, [f"embedding: {failure.message}"]


class _Run:
    """One attempt to run a plan, by what is known of the cluster."""

    def __init__(
        self, plan: Plan, root: Node, abilities: Abilities, execution: Execution, reranks: bool
    ) -> None:
        self._plan = plan
        self._abilities = abilities
        self._reranks = reranks

        def is_leaf(node: Node) -> bool:
            return abilities.runs(node, execution=execution, reranks=reranks)

        self._whole = is_leaf(root) and suits(plan)
        self._root = root if self._whole else pushed_down(root, is_leaf)
        self._here = list(run_here(self._root, is_leaf))
        self._leaves = leaves_of(self._root, is_leaf, plan.from_ + plan.size)

    @property
    def sent(self) -> set[str]:
        """The kinds of retrievers that the cluster was asked to run."""
        return {node.kind for leaf in self._leaves for node in walk(leaf.search)}

    def answered(self) -> Generator[Need, Any, Answered]:
        """By the fewest requests that the plan allows."""
        if self._whole:
            return (yield from self._native())
        extra = self._reranked_fields()
        if not self._narrow and own_hits.suffices(self._plan, self._here, self._leaves):
            answered = yield from self._one_round_trip(extra)
            if answered is not None:
                return answered
        if any(isinstance(leaf.search, Rrf | Linear | Pinned) for leaf in self._leaves):
            # The page must know what each leaf matches, and a whole tree does not tell.
            return (yield from self._in_parts().answered())
        return (yield from point_in_time.answered(self._plan, self._root, self._leaves, extra))

    def _in_parts(self) -> _Run:
        """The same, with every compound retriever run here."""
        return _Run(self._plan, self._root, self._abilities, "client", self._reranks)

    def _native(self) -> Generator[Need, Any, Answered]:
        body = native_body(self._plan, self._root)
        answer = dict(checked((yield search(self._plan, body))))
        report = Report(first_rank=self._plan.from_ + 1)
        report.ranked(self._root, Found(self._leaves[0], answer).ranking)
        return answer, report

    def _one_round_trip(self, extra: Mapping[str, Any]) -> Generator[Need, Any, Answered | None]:
        """None where a facet has too many values to be added up from the leaves'."""
        answers, took = yield from self._leaves_answered(extra)
        found = [Found(leaf, each) for leaf, each in zip(self._leaves, answers, strict=True)]
        aggregations = own_hits.aggregations_of(self._plan, found)
        if aggregations is None:
            return None
        ranker = Ranker(self._plan, self._root, found)
        ranking = yield from ranker.ranking()
        report = ranker.report
        answer = own_hits.answer(
            self._plan,
            self._root,
            found,
            ranking,
            report,
            took=took,
            aggregations=aggregations,
        )
        return answer, report

    def _leaves_answered(self, extra: Mapping[str, Any]) -> Generator[Need, Any, Answers]:
        """In the quicker form where that finds the same; see `one_shard`."""
        one_shard = self._abilities.one_shard
        refused = False
        if self._plan in one_shard and own_hits.may_be_quick(self._leaves):
            try:
                quick = yield from self._asked(extra, one_shard=True)
            except RequestRefused as refusal:
                if refusal.status != 400:
                    raise
                refused = True
            else:
                if not own_hits.only_nearest(self._leaves, quick[0]):
                    one_shard.never(self._plan)
                elif one_shard.learn(self._plan, quick[0]):
                    return quick
        # A refusal is repeated here in the words for what the caller wrote.
        plain = yield from self._asked(extra, one_shard=False)
        if refused:
            one_shard.refused()
        one_shard.learn(self._plan, plain[0])
        return plain

    def _asked(self, extra: Mapping[str, Any], *, one_shard: bool) -> Generator[Need, Any, Answers]:
        bodies = own_hits.bodies(self._plan, self._leaves, extra, one_shard=one_shard)
        reply = yield msearch(self._plan, bodies)
        stages = [leaf.owner.stage for leaf in self._leaves]
        return checked_leaves(reply, stages, kind=self._root.kind), reply.body["took"]

    def _reranked_fields(self) -> dict[str, Any]:
        """What the leaves must bring along for the reranker to read."""
        rerank = [node for node in self._here if isinstance(node, Rerank)]
        if rerank and not self._reranks:
            raise RequestRefused(
                "[text_similarity_reranker] no reranker is configured",
                remedy="set rerank.model or rerank.url",
            )
        extra: dict[str, Any] = {}
        if any(node.document is not None for node in rerank):
            extra["_source"] = True if self._narrow else self._plan.fetch.get("_source", True)
        if fields := rerank_fields(self._root) if rerank else []:
            asked = self._plan.fetch.get("fields", [])
            extra["fields"] = [*(asked if isinstance(asked, list) else [asked]), *fields]
        return extra

    @property
    def _narrow(self) -> bool:
        """Whether the page shows less of a hit than a reranker reads that makes its own text."""
        if all(node.document is None for node in self._here if isinstance(node, Rerank)):
            return False
        source = self._plan.fetch.get("_source", "stored_fields" not in self._plan.fetch)
        return source is not True and not (isinstance(source, Mapping) and "includes" not in source)
