"""One attempt to run a plan, with what is known about the cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution import own_hits, point_in_time
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.execution.documents import (
    Documents,
    DocumentsChanged,
    NumbersUnknown,
)
from es_hybrid.retrieval.execution.dsl import native_body
from es_hybrid.retrieval.execution.grouped_search import GroupedSearch
from es_hybrid.retrieval.execution.point_in_time import PointInTimeSearch
from es_hybrid.retrieval.execution.rank import Ranker
from es_hybrid.retrieval.execution.report import Answered, Report
from es_hybrid.retrieval.execution.requests import (
    LeafResult,
    checked,
    checked_leaves,
    msearch,
    search,
)
from es_hybrid.retrieval.execution.signals import leaf_options, reads_what_is_shown
from es_hybrid.retrieval.execution.stored_vectors import read_vectors
from es_hybrid.retrieval.execution.tree import fields_read, groups_of, split, walk
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import (
    Diversify,
    Foreign,
    Linear,
    Node,
    Pinned,
    Rerank,
    Rrf,
    Signals,
    Spread,
)
from es_hybrid.retrieval.plan import Plan

# Results of the leaves, and the milliseconds of all.
LeafResults = tuple[list[LeafResult], int]


class PlanRun:
    """Runs a plan by the fewest requests that it allows.

    Args:
        root: The plan's tree with its vectors.
        reranks: Whether a reranker is configured.
    """

    def __init__(
        self, plan: Plan, root: Node, abilities: Abilities, execution: Execution, reranks: bool
    ) -> None:
        assert plan.of_candidates or (plan.sort is None and plan.cutoff is None)
        self._plan = plan
        self._abilities = abilities
        self._reranks = reranks
        runs_whole = abilities.runs_whole(root, execution=execution, reranks=reranks)
        # Elasticsearch has no options for these.
        expressible = not (plan.of_candidates or plan.selected or plan.first or plan.ties)
        self._native = id(root) in runs_whole and expressible
        tree = split(root, runs_whole, plan.from_ + plan.size)
        self._root, self._above, self._leaves = tree.root, tree.above, tree.leaves

    @property
    def sent(self) -> set[str]:
        """The kinds of retriever that the cluster was asked to run and that could run here."""
        nodes = (node for leaf in self._leaves for node in walk(leaf.search))
        return {node.kind for node in nodes if not isinstance(node, Foreign)}

    def answered(self) -> Generator[Need, Any, Answered]:
        """Elasticsearch's answer to the plan, and how it came about."""
        if self._native:
            return (yield from self._natively())
        extra = self._fields_to_read()
        if self._leaves_suffice():
            answered = yield from self._by_leaves(extra)
            if answered is not None:
                return answered
        if any(isinstance(leaf.search, Rrf | Linear | Pinned | Diversify) for leaf in self._leaves):
            # The page must know what each leaf matches, which a whole tree does not report.
            parts = PlanRun(self._plan, self._root, self._abilities, "client", self._reranks)
            return (yield from parts.answered())
        return (yield from point_in_time.answered(self._plan, self._in_time(extra)))

    def _in_time(
        self, extra: Mapping[str, Any]
    ) -> Callable[[Mapping[str, Any]], PointInTimeSearch]:
        given = (self._plan, self._root, self._leaves, extra, self._abilities)
        if (groups := groups_of(self._root)) is not None:
            return partial(GroupedSearch, *given, groups)
        return partial(PointInTimeSearch, *given)

    def _leaves_suffice(self) -> bool:
        if self._plan.of_candidates or self._narrow or self._apart:
            return False
        return own_hits.suffices(self._plan, self._above, self._leaves)

    def _natively(self) -> Generator[Need, Any, Answered]:
        body = native_body(self._plan, self._root)
        answer = dict(checked((yield search(self._plan, body))))
        report = Report(first_rank=self._plan.from_ + 1)
        report.ranked(self._root, LeafResult(self._leaves[0], answer).ranking)
        return answer, report

    def _by_leaves(self, extra: Mapping[str, Any]) -> Generator[Need, Any, Answered | None]:
        """In one round trip, or two if documents are read after the ranking.

        None if a facet has too many values to be added up from the leaves'.
        """
        numbers, index = self._abilities.sequence_numbers, self._plan.index
        numbered = index in numbers and self._abilities.one_shard.is_known(self._plan)
        documents = Documents(self._plan, self._above, self._leaves, extra, one_shard=numbered)
        if documents.apart:
            try:
                return (yield from self._from_leaves(documents.leaf_extra, documents))
            except NumbersUnknown:
                numbers.refused(index)
            except DocumentsChanged:
                pass
        return (yield from self._from_leaves(extra, None))

    def _from_leaves(
        self, extra: Mapping[str, Any], documents: Documents | None
    ) -> Generator[Need, Any, Answered | None]:
        """See `_by_leaves`.

        Args:
            documents: Reads what the leaves do not return; None if they return everything.

        Raises:
            DocumentsChanged: see `Documents.read`.
        """
        plan = self._plan if documents is None else documents.leaf_plan
        numbered = documents is not None and documents.numbered
        results, took = yield from self._leaf_results(plan, extra, numbered=numbered)
        if own_hits.no_shards(results):
            empty = {name: part for name, part in results[0].answer.items() if name != "status"}
            return {**empty, "took": took}, Report()
        aggregations = own_hits.aggregations_of(self._plan, results)
        if aggregations is None:
            return None
        ask, packed = partial(search, self._plan), self._abilities.packed_vectors
        read = partial(read_vectors, self._plan, ask, packed)
        complete = None if documents is None else partial(documents.read, results)
        ranker = Ranker(self._plan, self._root, results, read_vectors=read, complete=complete)
        ranking = yield from ranker.ranking()
        if documents is not None:
            page = ranking[self._plan.from_ : self._plan.from_ + self._plan.size]
            yield from documents.read(results, page)
            took += documents.took
            ranker.report.ids = documents.ids
        answer = own_hits.answer(
            self._plan,
            self._root,
            results,
            ranking,
            ranker.report,
            took=took,
            aggregations=aggregations,
            unasked=self._unasked(),
        )
        return answer, ranker.report

    def _leaf_results(
        self, plan: Plan, extra: Mapping[str, Any], *, numbered: bool
    ) -> Generator[Need, Any, LeafResults]:
        """Sent in the faster form if that finds the same; see `abilities`.

        Args:
            numbered: The leaves return sequence numbers without ids.

        Raises:
            DocumentsChanged: a number stands for a document of each of several shards.
        """
        one_shard = self._abilities.one_shard
        if self._plan in one_shard and own_hits.may_be_query(self._leaves):
            try:
                fast = yield from self._asked(plan, extra, as_query=True)
            except RequestRefused as refusal:
                if refusal.status != 400:
                    raise
                one_shard.refused(self._plan, refusal.body())
            else:
                one = self._learn_shards(fast[0])
                if one and own_hits.only_nearest(fast[0]):
                    return fast
                if one:
                    one_shard.never(self._plan)
                elif numbered:
                    raise DocumentsChanged
        # The plain form is refused in the words for what the caller wrote.
        plain = yield from self._asked(plan, extra, as_query=False)
        if not self._learn_shards(plain[0]) and numbered:
            raise DocumentsChanged
        return plain

    def _learn_shards(self, results: Sequence[LeafResult]) -> bool:
        return self._abilities.one_shard.learn(self._plan, [each.answer for each in results])

    def _asked(
        self, plan: Plan, extra: Mapping[str, Any], *, as_query: bool
    ) -> Generator[Need, Any, LeafResults]:
        bodies = own_hits.bodies(plan, self._leaves, extra, as_query=as_query)
        reply = yield msearch(plan, bodies)
        return checked_leaves(reply, self._leaves, kind=self._root.kind), reply.body["took"]

    def _fields_to_read(self) -> dict[str, Any]:
        """What the leaves must return for retrievers above them to read."""
        self._check_runs_here()
        rerank = [node for node in self._above if isinstance(node, Rerank)]
        extra: dict[str, Any] = {}
        if any(node.document is not None for node in rerank):
            extra["_source"] = True if self._narrow else self._plan.fetch.get("_source", True)
        if fields := self._read_fields():
            asked = [] if self._apart else self._plan.fetch.get("fields", [])
            extra["fields"] = [*(asked if isinstance(asked, list) else [asked]), *fields]
        for node in self._signals:
            extra |= leaf_options(node, self._plan)
        return extra

    def _read_fields(self) -> list[str]:
        if not any(isinstance(node, Rerank | Diversify | Spread) for node in self._above):
            return []
        return fields_read(self._root)

    def _check_runs_here(self) -> None:
        """Refuse a retriever that can neither run in the cluster nor here."""
        for node in self._above:
            match node:
                case Rerank() if not self._reranks:
                    raise RequestRefused(
                        "[text_similarity_reranker] no reranker is configured",
                        remedy="set rerank.model or rerank.url",
                    )
                case Rerank() if node.chunk_rescorer is not None and node.chunks is None:
                    raise RequestRefused(
                        "[text_similarity_reranker] [chunk_rescorer] es-hybrid cuts texts by the "
                        "strategies [sentence], [word] and [none] only",
                        remedy="use one of them",
                    )
                case Diversify() if node.builder is not None:
                    raise RequestRefused(
                        f"[diversify] [query_vector_builder] [{next(iter(node.builder), '')}] is "
                        "not available over a retriever that runs in es-hybrid",
                        remedy="use [query_vector], or a text",
                    )

    def _unasked(self) -> set[str]:
        """Fields and names of clauses that only retrievers above the leaves need."""
        fetch = self._plan.fetch
        unasked = {name for name in self._read_fields() if not own_hits.requests_field(fetch, name)}
        for node in self._signals:
            unasked |= {*node.clauses, *(each.field for each in node.signals if each.field)}
        return unasked

    @property
    def _signals(self) -> list[Signals]:
        return [node for node in self._above if isinstance(node, Signals)]

    @property
    def _apart(self) -> bool:
        """Whether page and signals must read the same field in requests of their own."""
        return any(reads_what_is_shown(node, self._plan) for node in self._signals)

    @property
    def _narrow(self) -> bool:
        """Whether the page shows less of a hit than a reranker reads that makes its own text."""
        if all(node.document is None for node in self._above if isinstance(node, Rerank)):
            return False
        source = self._plan.fetch.get("_source", "stored_fields" not in self._plan.fetch)
        return source is not True and not (isinstance(source, Mapping) and "includes" not in source)
