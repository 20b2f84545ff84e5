"""What is to be found and what is to be shown of it: the plan of one search.

The retriever language, a body with `ext.es_hybrid` and the shop API all compile to this; only
`retrieval.execute` runs it. A plan is checked when it is made and never changed afterwards.
Defaults are Elasticsearch's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

Clause = Mapping[str, Any]
Normalizer = Literal["none", "minmax", "l2_norm"]

RANK_CONSTANT = 60
RANK_WINDOW_SIZE = 10


class Key(NamedTuple):
    """What tells two hits apart: ids are unique within one index only."""

    index_name: str
    id: str


class DocumentText(NamedTuple):
    """What a reranker reads of a hit.

    Attributes:
        lang: The language it is in, `en` or `zh-CN`, where the product tells.
    """

    text: str
    lang: str = ""


# From a hit's id and `_source`.
ReadDocument = Callable[[str, Mapping[str, Any]], DocumentText]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriever:
    """What every retriever has.

    Attributes:
        filters: Clauses every hit matches, on top of those of the retrievers above.
        min_score: Hits with less are left out.
        name: Its `_name`, which `matched_queries` tells.
        label: Under which its ranks are told, else `name` or `kind`.
    """

    kind: ClassVar[str]
    filters: tuple[Clause, ...] = ()
    min_score: float | None = None
    name: str | None = None
    label: str | None = None

    @property
    def stage(self) -> str:
        """Under which its ranks are told."""
        return self.label or self.name or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard(Retriever):
    """Any query of Elasticsearch's own.

    Attributes:
        query: None matches every document.
        alone: Takes the query's place where every vector leaf has fallen away, since without
            them recall is this one's business.
    """

    kind: ClassVar[str] = "standard"
    query: Clause | None = None
    sort: Sequence[Any] | None = None
    search_after: Sequence[Any] | None = None
    terminate_after: int | None = None
    collapse: Mapping[str, Any] | None = None
    alone: Clause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Knn(Retriever):
    """The nearest neighbours of a vector, or of a text that is still to be embedded.

    Attributes:
        vector: `[dims]` numbers, or Elasticsearch's hex or base64 string; None: embed `text`.
        k: Neighbours over all shards, <= num_candidates.
        num_candidates: Looked at on each shard, <= 10,000.
        similarity: The least raw similarity.
        more: Parameters that only Elasticsearch reads (`rescore_vector`, `visit_percentage`).
    """

    kind: ClassVar[str] = "knn"
    more: Mapping[str, Any] = field(default_factory=dict)
    field: str
    k: int
    num_candidates: int
    vector: Sequence[float] | str | None = None
    text: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A retriever inside another, and what its hits count there."""

    node: Node
    weight: float = 1.0
    normalizer: Normalizer = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rrf(Retriever):
    """Fuses by rank: sum of weight / (rank_constant + rank).

    Attributes:
        short: `query` and `fields`, where it was written so; the children say what they stand for.
    """

    kind: ClassVar[str] = "rrf"
    children: tuple[Child, ...]
    short: Mapping[str, Any] | None = None
    rank_constant: int = RANK_CONSTANT
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Retriever):
    """Fuses by score: sum of weight * normalised score.

    Attributes:
        short: As of `Rrf`, with `normalizer`.
    """

    kind: ClassVar[str] = "linear"
    children: tuple[Child, ...]
    short: Mapping[str, Any] | None = None
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerank(Retriever):
    """Puts the child's best hits into the order of a cross-encoder.

    Attributes:
        text: What the documents are judged against.
        field: Holds each document's text.
        document: Makes the text of a hit's id and `_source` instead.
        keep_rest: Hits beyond the window follow in their order; Elasticsearch drops them.
        allow_failures: A reranker that fails leaves the child's order.
        interpolated: The child's scores count too, as much as the reranker leaves them.
        inference_id: The cluster's own endpoint, for native execution.
    """

    kind: ClassVar[str] = "text_similarity_reranker"
    child: Node
    text: str
    field: str | None = None
    document: ReadDocument | None = None
    rank_window_size: int = RANK_WINDOW_SIZE
    keep_rest: bool = False
    allow_failures: bool = False
    interpolated: bool = False
    instruction: str | None = None
    inference_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned(Retriever):
    """Puts these documents first, in this order, whether or not the child found them.

    Attributes:
        documents: (index, id); index None: of any.
        filtered: They must pass the filters too. Elasticsearch shows them regardless.
    """

    kind: ClassVar[str] = "pinned"
    child: Node
    documents: tuple[tuple[str | None, str], ...]
    filtered: bool = False
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescorer(Retriever):
    """Elasticsearch's own rescoring of the child's best hits."""

    kind: ClassVar[str] = "rescorer"
    child: Node
    rescore: Sequence[Mapping[str, Any]]

    @property
    def rank_window_size(self) -> int:
        """The smallest of its rescorers' windows."""
        return min(int(stage.get("window_size", RANK_WINDOW_SIZE)) for stage in self.rescore)


Compound = Rrf | Linear | Rerank | Pinned | Rescorer
Node = Standard | Knn | Compound


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One search: the tree that finds, and the page that shows.

    Where `sort` or `cutoff` is given, the root's window is the candidate set: total, `aggs`,
    groups and pages are then the candidates'. Otherwise total and `aggs` cover every match of the
    tree, as in Elasticsearch.

    Attributes:
        index: As in a path: `products`, `a,b-*`; empty: every index.
        params: Of the query string, for every request about this search (`routing`,
            `preference`, `ignore_unavailable`).
        selected: Hits and total hold only what matches; `aggs` count the others too, so that a
            facet does not filter itself. Unlike `post_filter`, which thins the finished window,
            it holds inside each leaf.
        sort: Orders the candidates otherwise than by score.
        cutoff: In [0, 1]: candidates with less than this share of the best fused score are left
            out.
        fetch: What Elasticsearch shows of a hit, as it stands in a body: `_source`, `fields`,
            `docvalue_fields`, `stored_fields`, `highlight`, `version`…
        settings: What else stands in the body and holds for every request: `runtime_mappings`,
            `timeout`…
        first: The name of a clause; its matches precede all others, and nothing is reranked.
        degrade: A dead embedder or reranker makes the search worse instead of failing it.
    """

    root: Node
    index: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    from_: int = 0
    size: int = 10
    aggs: Mapping[str, Any] | None = None
    post_filter: Clause | None = None
    selected: Clause | None = None
    sort: Sequence[Any] | None = None
    collapse: Mapping[str, Any] | None = None
    track_total_hits: bool | int = 10_000
    explain: bool = False
    profile: bool = False
    suggest: Mapping[str, Any] | None = None
    cutoff: float | None = None
    fetch: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    first: str | None = None
    degrade: bool = False

    @property
    def counts(self) -> bool:
        """Whether the total is told. A limit of 0 is still told."""
        return self.track_total_hits is not False

    @property
    def of_candidates(self) -> bool:
        """Whether total, aggregations and pages are the candidates' and not every match's."""
        return self.sort is not None or self.cutoff is not None
