"""What must hold before an alias is pointed at another version, each check with its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EsHybridError, PassportMismatch
from es_hybrid.evaluation.comparison import compare
from es_hybrid.evaluation.judgements import Query
from es_hybrid.index.document import product_of
from es_hybrid.index.lifecycle import describe_index, open_index
from es_hybrid.index.passport import CANARY_TEXTS, check_canaries, check_identity
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings

CheckName = Literal["documents", "coverage", "canaries", "overlap"]
OVERLAP_AT = 10


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was found, and what is needed."""

    name: CheckName
    found: str
    needed: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Side:
    """An index, and what it is searched with."""

    index: str
    settings: Settings
    embedder: Embedder

    def search(self, client: Elasticsearch) -> HybridSearch:
        """A search of it, without a reranker: what is compared is the index."""
        return HybridSearch(
            client, index=self.index, embedder=self.embedder, settings=self.settings
        )


def check_version(
    client: Elasticsearch, target: Side, live: Side | None, queries: Sequence[Query]
) -> Iterator[Check]:
    """Every check of a version that is to go live, as soon as it is made.

    Args:
        live: The index in use; None where there is none, and nothing to compare with.
        queries: For the overlap; none: it is not compared.

    Raises:
        IndexStateError: `target` is absent, or no index of es-hybrid's.
    """
    field = target.settings.index.vector_field
    client.indices.refresh(index=target.index)
    described = describe_index(client, target.index, vector_field=field)
    limits = target.settings.index
    yield _documents(client, described.documents, live, limits.promote_documents)
    covered = described.with_vector / described.documents if described.documents else 0.0
    yield Check(
        "coverage",
        f"{described.with_vector:,} of {described.documents:,} have a vector ({covered:.1%})",
        f"at least {limits.promote_coverage:.1%}",
        covered >= limits.promote_coverage,
    )
    yield _canaries(client, target)
    if live is not None and queries:
        yield _overlap(client, target, live, queries)


def sampled_titles(client: Elasticsearch, side: Side, count: int) -> list[Query]:
    """Titles of products picked at random, as queries; blank ones left out."""
    passport = open_index(client, side.index, vector_field=side.settings.index.vector_field)
    answer = client.search(
        index=side.index,
        size=count,
        # Seeded: a promotion tried again is held against the same queries.
        query={"function_score": {"random_score": {"seed": 1, "field": "_seq_no"}}},
        source_excludes=[passport.vector_field],
    )
    products = (product_of(passport, hit["_id"], hit["_source"]) for hit in answer["hits"]["hits"])
    return [Query(product.id, product.title, product.lang) for product in products if product.title]


def _documents(client: Elasticsearch, count: int, live: Side | None, tolerance: float) -> Check:
    if live is None:
        return Check("documents", f"{count:,}; nothing is live yet", "at least 1", count > 0)
    client.indices.refresh(index=live.index)
    now = int(client.count(index=live.index)["count"])
    low, high = now * (1 - tolerance), now * (1 + tolerance)
    return Check(
        "documents",
        f"{count:,}, live {now:,}",
        f"{low:,.0f} to {high:,.0f}",
        low <= count <= high,
    )


def _canaries(client: Elasticsearch, side: Side) -> Check:
    """The embedder is the passport's, and each canary text finds something by both legs."""
    needed = f"the index's model, and an answer to {len(CANARY_TEXTS)} queries"
    passport = open_index(client, side.index, vector_field=side.settings.index.vector_field)
    try:
        check_identity(passport, side.embedder.identity, index=side.index)
        check_canaries(passport, side.embedder, index=side.index)
        with side.search(client) as search:
            answers = [search.search(text, timeout_ms=0) for text in CANARY_TEXTS]
    except EsHybridError as error:
        return Check("canaries", str(error), needed, passed=False)
    answered = sum(bool(answer.hits) and not answer.degraded for answer in answers)
    return Check("canaries", f"{answered} queries answered", needed, answered == len(CANARY_TEXTS))


def _overlap(client: Elasticsearch, target: Side, live: Side, queries: Sequence[Query]) -> Check:
    least = target.settings.index.promote_overlap
    needed = f"at least {least:.2f}"
    try:
        with live.search(client) as now, target.search(client) as then:
            made = compare(now, then, queries, k=OVERLAP_AT)
    except PassportMismatch as error:
        problem = f"not measured ({error.message}): name the live index's --live-config"
        return Check("overlap", problem, needed, passed=False)
    return Check(
        "overlap",
        f"{made.overlap:.3f} of the first {OVERLAP_AT}, {made.same_first:.0%} the same first hit, "
        f"{made.queries} queries",
        needed,
        made.overlap >= least,
    )
