"""The plan of one search: the retriever tree that finds hits, and the page that shows them.

Retriever trees, bodies with `ext.es_hybrid` and shop requests all compile to a plan; only
`retrieval.engine` runs it. A plan is validated when it is made and never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.nodes import Clause, Node


class Key(NamedTuple):
    """Identifies a hit: ids are unique within one index only."""

    index_name: str
    id: str


class Display(NamedTuple):
    """The languages in which hits of groups are shown.

    Attributes:
        languages: Tags, best first.
        lang_field: Field with the language tag of a document.
    """

    languages: tuple[str, ...]
    lang_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One search: the tree that finds, and the page that shows.

    Total, `aggs`, groups and pages describe every match of the tree, as in Elasticsearch, or only
    the candidates: the window of the root.

    Attributes:
        index: As in a path: `products`, `a,b-*`; empty for every index.
        params: Query-string parameters for every request of this search (`routing`,
            `preference`, `ignore_unavailable`).
        selected: Hits and total contain only what matches; `aggs` count the rest as well, so that
            a facet does not filter itself. Unlike `post_filter`, which thins out the finished
            window, it applies inside each leaf.
        of_candidates: Only the candidates count. Needed for `sort` and `cutoff`.
        sort: Orders the candidates by something other than score.
        min_score: Hits of the finished ranking with a lower score are dropped.
        ties: Sort keys after the score. They order equal scores of a leaf, and `sort` of each hit
            has their values.
        cutoff: In [0, 1]: candidates with a smaller share of the best fused score are dropped.
        display: The languages in which hits of groups are shown; None: as they matched.
        fetch: What Elasticsearch returns for a hit, as in a body: `_source`, `fields`,
            `docvalue_fields`, `stored_fields`, `highlight`, `version`...
        settings: The rest of the body, sent with every request: `runtime_mappings`, `timeout`...
        first: Names of clauses whose matches precede all other hits, those of the first name
            before those of the second; nothing is then reranked.
        documents_apart: Documents may be read after the ranking, in a request of their own.
        degrade: A failing embedder or reranker makes the search worse instead of failing it.
        passports: What query vectors must be comparable with.
        dims: Vector field -> dimensions of its vectors, as far as the mapping is known.
        notes: What was deliberately left out of the plan; see `Retrieved`.
    """

    root: Node
    index: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    from_: int = 0
    size: int = 10
    aggs: Mapping[str, Any] | None = None
    post_filter: Clause | None = None
    selected: Clause | None = None
    of_candidates: bool = False
    sort: Sequence[Any] | None = None
    ties: Sequence[Any] = ()
    collapse: Mapping[str, Any] | None = None
    track_total_hits: bool | int = 10_000
    explain: bool = False
    profile: bool = False
    suggest: Mapping[str, Any] | None = None
    min_score: float | None = None
    cutoff: float | None = None
    display: Display | None = None
    fetch: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    documents_apart: bool = True
    degrade: bool = False
    passports: tuple[Passport, ...] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
