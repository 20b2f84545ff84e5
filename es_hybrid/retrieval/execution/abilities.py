"""What the cluster runs without help, found out by trying and remembered for a few minutes.

Elasticsearch's licences differ in the retrievers they allow, and no API reports it in advance. So
a tree is sent as written; if the cluster refuses a retriever, that is remembered for this client
and the retriever runs here for the next minutes. A licence or a version that changes is noticed
then.

All callers share what is learned here, so it is learned from the structure of an error, never from
a text that may quote a caller's own words, and only about retrievers that were sent.

Also which indices consist of one shard, where the vector leaf can be a query. A `knn` section is
resolved before the search proper, in a phase of its own, since the k nearest of all shards must be
known first. A `knn` query takes the k nearest of each shard and needs no such phase. On one shard
both give the same hits, total and aggregations, and the query returns a tenth sooner
(benchmarks/search.py). Every answer reports its number of shards, so no request is spent on it, and
an index that has gained shards is asked again. So is one whose vectors have no graph
(`vector_type = "flat"`): there a `knn` query matches every document, whatever its k.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, Literal

from cachetools import TTLCache

from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.nodes import (
    Foreign,
    Groups,
    Knn,
    Node,
    Pinned,
    Rerank,
    RuleRetriever,
    Signals,
    Spread,
    Standard,
)
from es_hybrid.retrieval.plan import Plan

Execution = Literal["auto", "native", "client"]

# Seconds for which a fact is believed.
REMEMBERED_SECONDS = 300.0

# Included in every licence. Clusters before 8.18 lack `rescorer`; the others they all have.
_BASIC = frozenset({"standard", "knn", "rescorer", Foreign.kind})

# `license.expired.feature` of an error -> kind of retriever. Other features, such as document level
# security, say nothing about retrievers.
_LICENSED_AS = {
    "Reciprocal Rank Fusion (RRF)": "rrf",
    "linear retriever": "linear",
    "text_similarity_reranker": "text_similarity_reranker",
    "Query Rules": "rule",
}
# Reasons that Elasticsearch composes from its own names and the name of the retriever.
_UNKNOWN_RETRIEVER = re.compile(r"unknown retriever \[(\w+)\]( did you mean .*)?")
_UNKNOWN_NAME = re.compile(r"\[\d+:\d+\] unknown field \[(\w+)\]")
_IN_A_RETRIEVER = re.compile(
    r"\[\d+:\d+\] "
    r"(\[retriever\] failed to parse field \[\w+\]|\[\w+\] failed to parse field \[retrievers?\])"
)

# An older cluster knows the retriever, but not all that es-hybrid writes into it: the short form
# (9.1), `chunk_rescorer` (9.2), or an object with a weight around a child of `rrf` (9.2). What a
# caller may write is checked before it is sent, so it cannot be the caller's mistake.
_NEWER_FIELD = re.compile(
    r"\[\d+:\d+\] \[(rrf|linear|text_similarity_reranker)\] unknown field "
    r"\[(query|fields|normalizer|chunk_rescorer|allow_rerank_failures)\]( did you mean .*)?"
)
_IN_RRF = re.compile(r"\[\d+:\d+\] \[rrf\] failed to parse field \[retrievers\]")
_WEIGHTED = re.compile(r"\[\d+:\d+\] unknown field \[retriever\]")

# What a cluster with query rules says to a caller who may not manage them. One whose licence lacks
# them says so, and any other takes the path of their API for the name of an index.
_UNAUTHORIZED = re.compile(r"action \[cluster:admin/xpack/query_rules/.*", re.DOTALL)

_SYNTAX = "x_content_parse_exception"
_UNKNOWN_K = re.compile(r"(\[\d+:\d+\] )?\[knn\] unknown field \[k\].*")

# Index patterns to remember: a caller that searches thousands of them gains nothing from it.
_REMEMBERED = 1000
# What a group takes in an index that is not known yet.
_DOCUMENTS_PER_GROUP = 3.0


class OneShard:
    """Which indices of a cluster consist of one shard. Shared by searches, safe for threads.

    Callers may differ in what a pattern stands for, so an answer that does not confirm the fact is
    discarded and the plain form sent.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # Index that is one shard -> whether its vector leaf may be a query.
        self._indices: TTLCache[str, bool] = TTLCache(_REMEMBERED, REMEMBERED_SECONDS, clock)
        self._lock = threading.Lock()

    def __contains__(self, plan: Plan) -> bool:
        """Whether the plan's vector leaf may be sent as a query."""
        with self._lock:
            return _shows_the_same(plan) and self._indices.get(plan.index, False)

    def is_known(self, plan: Plan) -> bool:
        """Whether the plan's index consists of one shard, as far as is known."""
        with self._lock:
            return _shows_the_same(plan) and plan.index in self._indices

    def learn(self, plan: Plan, answers: Iterable[Mapping[str, Any]]) -> bool:
        """Remember, and return, whether the answers came from one shard."""
        one = all(answer["_shards"]["total"] == 1 for answer in answers)
        with self._lock:
            known = self._indices.get(plan.index)
            if not one:
                self._indices.pop(plan.index, None)
            elif one and known is None and _shows_the_same(plan):
                self._indices[plan.index] = True
        return one

    def never(self, plan: Plan) -> None:
        """Remember that a query found more than its k in this index."""
        with self._lock:
            self._indices[plan.index] = False

    def refused(self, plan: Plan, answer: Mapping[str, Any]) -> None:
        """Remember an error of a cluster that is too old for a `knn` query with a `k`.

        Any other error is that of one request, which is then sent in the plain form.
        """
        errors = _errors(answer.get("error"))
        syntax = (reason for error, reason, _ in errors if error.get("type") == _SYNTAX)
        if any(map(_UNKNOWN_K.fullmatch, syntax)):
            self.never(plan)


class Accepting:
    """Which indices accept requests of some kind. Shared by searches, safe for threads.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._without: TTLCache[str, bool] = TTLCache(_REMEMBERED, REMEMBERED_SECONDS, clock)
        self._lock = threading.Lock()

    def __contains__(self, index: str) -> bool:
        """Whether the index accepts them, as far as is known."""
        with self._lock:
            return index not in self._without

    def refused(self, index: str) -> None:
        """Remember that a search was answered only without."""
        with self._lock:
            self._without[index] = True


class GroupSizes:
    """How many documents of a leaf a group takes. Shared by searches, safe for threads.

    Only a guess: a search that needs more documents asks again.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._known: TTLCache[tuple[str, ...], float] = TTLCache(
            _REMEMBERED, REMEMBERED_SECONDS, clock
        )
        self._lock = threading.Lock()

    def documents(self, name: tuple[str, ...]) -> float:
        """Documents of a group of this index, field and stage, >= 1."""
        with self._lock:
            return self._known.get(name, _DOCUMENTS_PER_GROUP)

    def learn(self, name: tuple[str, ...], documents: float) -> None:
        """Remember what a search needed."""
        with self._lock:
            self._known[name] = (self._known.get(name, documents) + documents) / 2


class Abilities:
    """Abilities of one cluster, as one client sees it. Shared by searches, safe for threads.

    Attributes:
        one_shard: Which indices consist of one shard.
        patterns: Which indices may be searched by regular expressions. Not so if the cluster has
            `search.allow_expensive_queries: false`, or a field is no keyword: a member of a
            `flattened` field, for example.
        sequence_numbers: Which indices find documents by their sequence numbers; see `documents`.
        packed_vectors: Which indices return stored vectors as base64; see `stored_vectors`.
        group_sizes: How many documents a group takes.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.one_shard = OneShard(clock)
        self.patterns = Accepting(clock)
        self.sequence_numbers = Accepting(clock)
        self.packed_vectors = Accepting(clock)
        self.group_sizes = GroupSizes(clock)
        self._clock = clock
        # Kind -> until when it is not sent.
        self._refused: dict[str, float] = {}
        self._query_rules_until = 0.0

    @property
    def refused(self) -> set[str]:
        """Kinds of retriever that the cluster does not run."""
        now = self._clock()
        return {kind for kind, until in self._refused.copy().items() if now < until}

    @property
    def query_rules(self) -> bool | None:
        """Whether the cluster has query rules; None if it has not been asked lately."""
        if RuleRetriever.kind in self.refused:
            return False
        return True if self._clock() < self._query_rules_until else None

    def learn_query_rules(self, status: int, answer: Any) -> bool:
        """Whether an answer of the query rules API says that the cluster has query rules.

        Remembered, unless the cluster did not get as far as that. Then it shall say so itself.
        """
        until = self._clock() + REMEMBERED_SECONDS
        error = answer.get("error") if isinstance(answer, Mapping) else None
        reason = str(error.get("reason")) if isinstance(error, Mapping) else ""
        if status in (400, 404, 405) or (status == 403 and not _UNAUTHORIZED.match(reason)):
            self._refused[RuleRetriever.kind] = until
            return False
        if status in (200, 403):
            self._query_rules_until = until
        return True

    def runs_whole(self, root: Node, *, execution: Execution, reranks: bool) -> set[int]:
        """`id()` of each retriever that is sent as it is, with everything inside.

        Args:
            reranks: Whether a reranker is configured; it then replaces the cluster's.
        """
        refused = set() if execution == "native" else self.refused
        nodes = list(walk(root))
        return {id(node) for node in nodes if _runs(node, execution, reranks, refused)}

    def learn(self, answer: Mapping[str, Any], *, sent: Container[str]) -> set[str]:
        """Remember, and return, the kinds of retriever that an error refuses.

        Another search may have learned the same a moment before.

        Args:
            answer: The answer, with its `error`.
            sent: Kinds that were sent.
        """
        kinds = (_refused_kind(*each) for each in _errors(answer.get("error")))
        named = {kind for kind in kinds if kind is not None and kind in sent}
        self._refused |= dict.fromkeys(named, self._clock() + REMEMBERED_SECONDS)
        return named


def _runs(node: Node, execution: Execution, reranks: bool, refused: set[str]) -> bool:
    if isinstance(node, Standard | Knn | Foreign):
        return True
    inside = list(walk(node))
    if any(_only_here(each, reranks) for each in inside):
        return False
    kinds = {each.kind for each in inside}
    return not kinds & refused and (execution != "client" or kinds <= _BASIC)


def _refused_kind(error: Mapping[str, Any], reason: str, above: str) -> str | None:
    """The kind of retriever that an error refuses, if it refuses one."""
    match error.get("type"):
        case "security_exception":
            return _LICENSED_AS.get(str(error.get("license.expired.feature")))
        case "parsing_exception":
            unknown = _UNKNOWN_RETRIEVER.fullmatch(reason)
        case "x_content_parse_exception":
            unknown = _NEWER_FIELD.fullmatch(reason)
        case "named_object_not_found_exception" if _IN_A_RETRIEVER.fullmatch(above):
            if _IN_RRF.fullmatch(above) and _WEIGHTED.fullmatch(reason):
                return "rrf"
            unknown = _UNKNOWN_NAME.fullmatch(reason)
        case _:
            return None
    return unknown[1] if unknown else None


def _errors(error: Any, above: str = "") -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """An error and its causes, each with its reason and that of the error above it."""
    if not isinstance(error, Mapping):
        return
    reason = str(error.get("reason"))
    yield error, reason, above
    for cause in (*error.get("suppressed", ()), error.get("caused_by")):
        yield from _errors(cause, reason)


def _shows_the_same(plan: Plan) -> bool:
    """Whether a query shows what a section shows, and all of the index's shards are searched."""
    if plan.explain or plan.profile or "pit" in plan.settings:
        return False
    return bool(plan.index) and not plan.params.keys() & {"routing", "preference"}


def _only_here(node: Node, reranks: bool) -> bool:
    """Whether only es-hybrid can run it."""
    match node:
        case Rerank():
            return reranks or node.document is not None or node.keep_rest
        case RuleRetriever():
            return not node.rulesets
        case Pinned():
            return node.filtered
        case Signals() | Spread() | Groups():
            return True
        case _:
            return False
