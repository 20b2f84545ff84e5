"""The nodes of a retriever tree, which finds the hits of a search. Defaults are Elasticsearch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from es_hybrid.settings.signals import Signal

Clause = Mapping[str, Any]
Normalizer = Literal["none", "minmax", "l2_norm"]

RANK_CONSTANT = 60
RANK_WINDOW_SIZE = 10


class DocumentText(NamedTuple):
    """The text of a hit for the reranker.

    Attributes:
        lang: Language tag stored with the product, such as `en` or `zh-CN`, or empty.
    """

    text: str
    lang: str = ""


# Makes the text from a hit's id and `_source`.
ReadDocument = Callable[[str, Mapping[str, Any]], DocumentText]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriever:
    """What all retrievers have in common.

    Attributes:
        filters: Clauses that every hit matches, in addition to those of the retrievers above.
        min_score: Hits with a lower score are dropped; of a reranker, with a lower score as the
            reranker gave it.
        name: Its `_name`, which `matched_queries` reports.
        label: Name of its stage; by default `name` or `kind`.
    """

    kind: ClassVar[str]
    filters: tuple[Clause, ...] = ()
    min_score: float | None = None
    name: str | None = None
    label: str | None = None

    @property
    def stage(self) -> str:
        """The name under which its ranks are reported."""
        return self.label or self.name or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard(Retriever):
    """Any query of Elasticsearch.

    Attributes:
        query: None matches every document.
        alone: Replaces the query if no vector leaf remains, since this one then has to provide
            the recall.
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
    """The nearest neighbours of a vector, or of a text that still has to be embedded.

    Attributes:
        vector: `[dims]` numbers, or Elasticsearch's hex or base64 string.
        text: Still to be embedded, if there is no vector.
        builder: The `query_vector_builder`, if it is the cluster that makes the vector.
        k: Number of neighbours over all shards, <= num_candidates.
        num_candidates: Number of vectors considered on each shard, <= 10,000.
        similarity: Minimum raw similarity.
        more: Parameters passed on to Elasticsearch (`rescore_vector`, `visit_percentage`).
    """

    kind: ClassVar[str] = "knn"
    more: Mapping[str, Any] = field(default_factory=dict)
    field: str
    k: int
    num_candidates: int
    vector: Sequence[float] | str | None = None
    text: str | None = None
    builder: Mapping[str, Any] | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign(Retriever):
    """A retriever that is not known here. The cluster runs it, or explains why it does not.

    Attributes:
        written_kind: Its name in the body.
        content: Its parameters as written, without those that every retriever has.
    """

    kind: ClassVar[str] = "foreign"
    written_kind: str
    content: Mapping[str, Any]

    @property
    def stage(self) -> str:
        """As for any retriever; its kind is the one in the body."""
        return self.label or self.name or self.written_kind


@dataclass(frozen=True, slots=True)
class Child:
    """A retriever inside another, with the weight of its hits there."""

    node: Node
    weight: float = 1.0
    normalizer: Normalizer = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rrf(Retriever):
    """Fuses by rank: sum of weight / (rank_constant + rank).

    Attributes:
        short: `query` and `fields` of the short form, if used; the children are its expansion.
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
        short: As in `Rrf`, with `normalizer`.
    """

    kind: ClassVar[str] = "linear"
    children: tuple[Child, ...]
    short: Mapping[str, Any] | None = None
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """How a long text is cut for a reranker.

    Attributes:
        size: Number of chunks of each document that are scored.
        max_words: Words of a chunk.
        overlap: Words that a chunk repeats of the one before; of sentences, 0 or 1.
    """

    size: int = 1
    strategy: Literal["sentence", "word"] = "sentence"
    max_words: int = 300
    overlap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerank(Retriever):
    """Reorders the child's best hits by the scores of a cross-encoder.

    Attributes:
        text: The query that documents are scored against.
        field: Field with each document's text.
        document: Makes each document's text from its id and `_source`, in place of `field`.
        keep_rest: Hits beyond the window follow in their order; Elasticsearch drops them.
        allow_failures: If the reranker fails, the child's order is kept.
        interpolated: The child's scores count as well, with what the reranker's weight leaves.
        inference_id: The cluster's inference endpoint, for native execution.
        chunks: Score the best chunks of each text instead of the whole.
        chunk_rescorer: The same as written, for native execution.
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
    chunks: Chunks | None = None
    chunk_rescorer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals(Retriever):
    """Moves the child's best hits by what the shop knows of them; see docs/merchandising.md.

    Hits beyond the window follow in their order.

    Attributes:
        clauses: Name in `matched_queries` -> what a product matches, of each signal with a filter.
        combine: Whether the signals are added or multiplied.
        bound: How far they move a hit at most, as a share of the child's best score.
    """

    kind: ClassVar[str] = "signals"
    child: Node
    signals: tuple[Signal, ...]
    clauses: Mapping[str, Clause]
    combine: Literal["sum", "product"]
    bound: float
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned(Retriever):
    """Puts these documents first, in this order, whether or not the child found them.

    Attributes:
        documents: (index, id); index None: in any index.
        filtered: They must pass the filters too. Elasticsearch shows them regardless.
        excluding: Filters that they and the child's hits must pass in any case.
    """

    kind: ClassVar[str] = "pinned"
    child: Node
    documents: tuple[tuple[str | None, str], ...]
    filtered: bool = False
    excluding: tuple[Clause, ...] = ()
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRetriever(Pinned):
    """Applies Elasticsearch's query rules to the child's hits.

    Attributes:
        rulesets: Ids of the sets; empty once it is known which documents they pin and exclude.
        facts: The `match_criteria`.
    """

    kind: ClassVar[str] = "rule"
    documents: tuple[tuple[str | None, str], ...] = ()
    rulesets: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescorer(Retriever):
    """Elasticsearch's rescoring of the child's best hits."""

    kind: ClassVar[str] = "rescorer"
    child: Node
    rescore: Sequence[Mapping[str, Any]]

    @property
    def rank_window_size(self) -> int:
        """The smallest window of its rescorers."""
        return min(int(stage.get("window_size", RANK_WINDOW_SIZE)) for stage in self.rescore)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversify(Retriever):
    """Thins out the child's best hits by maximal marginal relevance; the order is kept.

    Attributes:
        field: A `dense_vector` field; hits without a vector are dropped.
        lambda_: 0 to 1: weight of closeness to the query vector against distance to other hits.
        size: Number of hits that remain, 1 to `rank_window_size`.
        vector: `[dims]` numbers that hits should be close to; None: only distance counts.
        text: As in `Knn`.
        builder: As in `Knn`.
    """

    kind: ClassVar[str] = "diversify"
    child: Node
    field: str
    lambda_: float | None
    size: int
    vector: Sequence[float] | str | None = None
    text: str | None = None
    builder: Mapping[str, Any] | None = None
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomRerank(Retriever):
    """Shuffles the child's best hits, to compare other orders with.

    Attributes:
        field: Not used; Elasticsearch reads it from every hit.
        seed: 32 bits. The order depends on it and on the position of documents in the index.
    """

    kind: ClassVar[str] = "random_reranker"
    child: Node
    field: str | None = None
    seed: int | None = None
    rank_window_size: int = RANK_WINDOW_SIZE


def signal_clause(place: int) -> str:
    """Name in `matched_queries` of the filter of a signal.

    Args:
        place: The signal's place among all signals of the search.
    """
    return f"es_hybrid_signal_{place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread(Retriever):
    """Moves hits that are much like those above them further down; drops none.

    Attributes:
        limits: Keyword or number field -> most hits of one value on a page.
        page_size: Hits of a page.
        diversity: 0 to 1: weight of the distance to the hits above against relevance.
        field: The `dense_vector` field that distances are measured in; None: there is no diversity.
        rank_window_size: Hits beyond it follow in their order.
    """

    kind: ClassVar[str] = "spread"
    child: Node
    limits: Mapping[str, int]
    page_size: int
    diversity: float = 0.0
    field: str | None = None
    rank_window_size: int = RANK_WINDOW_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups(Retriever):
    """Keeps the best hit of each value of a field, in the child's order.

    Attributes:
        window: Number of groups taken from each leaf.
        alone: A hit without a value is a group of its own. In Elasticsearch, all of them are one.
        rank_window_size: Most documents to read from a leaf for these groups.
    """

    kind: ClassVar[str] = "groups"
    child: Node
    field: str
    window: int
    alone: bool = False
    rank_window_size: int


# Retrievers with one child, whose hits they reorder or add to.
Reordering = Signals | Rerank | Pinned | Rescorer | Diversify | RandomRerank | Groups | Spread
Compound = Rrf | Linear | Reordering
Node = Standard | Knn | Foreign | Compound
