"""The checks that a version must pass before its alias points to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EsHybridError, PassportMismatch
from es_hybrid.evaluation.answers import LiveAnswers
from es_hybrid.evaluation.comparison import compare
from es_hybrid.evaluation.judgements import Query
from es_hybrid.index.document import product_of
from es_hybrid.index.lifecycle import describe_index, open_index
from es_hybrid.index.passport import CANARY_TEXTS, Passport, check_canaries, check_identity
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings

CheckName = Literal["documents", "coverage", "canaries", "overlap"]
_OVERLAP_AT = 10


@dataclass(frozen=True, slots=True)
class Check:
    """One check: the value found and the value required."""

    name: CheckName
    found: str
    required: str
    passed: bool


@dataclass(frozen=True, slots=True)
class SearchedIndex:
    """An index with the settings and the embedder to search it."""

    index: str
    settings: Settings
    embedder: Embedder

    def search(self, client: Elasticsearch) -> HybridSearch:
        """Open a search without a reranker, to compare the index itself."""
        return HybridSearch(
            client, index=self.index, embedder=self.embedder, settings=self.settings
        )

    def passport(self, client: Elasticsearch) -> Passport:
        """The passport of the searched vector field."""
        return open_index(client, self.index, vector_field=self.settings.index.vector_field)


def check_version(
    client: Elasticsearch,
    target: SearchedIndex,
    live: SearchedIndex | None,
    queries: Sequence[Query],
) -> Iterator[Check]:
    """Run every check of a version and yield each result immediately.

    Args:
        live: The index that the alias points to; None if there is none.
        queries: For the overlap check, which is skipped without queries or live index.

    Raises:
        IndexStateError: `target` is missing, or has no passport.
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


def sampled_titles(client: Elasticsearch, settings: Settings, count: int) -> list[Query]:
    """Titles of up to `count` random products of the configured index, as queries."""
    index = settings.index.name
    passport = open_index(client, index, vector_field=settings.index.vector_field)
    answer = client.search(
        index=index,
        size=count,
        # Seeded, so a repeated promotion uses the same queries.
        query={"function_score": {"random_score": {"seed": 1, "field": "_seq_no"}}},
        source_excludes=[passport.vector_field],
    )
    products = (product_of(passport, hit["_id"], hit["_source"]) for hit in answer["hits"]["hits"])
    return [Query(product.id, product.title, product.lang) for product in products if product.title]


def _documents(
    client: Elasticsearch, count: int, live: SearchedIndex | None, tolerance: float
) -> Check:
    if live is None:
        return Check("documents", f"{count:,}; no live index yet", "at least 1", count > 0)
    client.indices.refresh(index=live.index)
    now = int(client.count(index=live.index)["count"])
    low, high = now * (1 - tolerance), now * (1 + tolerance)
    return Check(
        "documents",
        f"{count:,}, live {now:,}",
        f"{low:,.0f} to {high:,.0f}",
        low <= count <= high,
    )


def _canaries(client: Elasticsearch, target: SearchedIndex) -> Check:
    """The embedder matches the passport, and both legs answer each canary text."""
    required = f"the index's model and {len(CANARY_TEXTS)} queries answered"
    passport = target.passport(client)
    try:
        check_identity(passport, target.embedder.identity, index=target.index)
        check_canaries(passport, target.embedder, index=target.index)
        with target.search(client) as search:
            answers = [search.search(text, timeout_ms=0) for text in CANARY_TEXTS]
    except EsHybridError as error:
        return Check("canaries", str(error), required, passed=False)
    answered = sum(bool(answer.hits) and not answer.degraded for answer in answers)
    return Check(
        "canaries", f"{answered} queries answered", required, answered == len(CANARY_TEXTS)
    )


def _overlap(
    client: Elasticsearch, target: SearchedIndex, live: SearchedIndex, queries: Sequence[Query]
) -> Check:
    least = target.settings.index.promote_overlap
    required = f"at least {least:.2f}"
    try:
        with live.search(client) as now, target.search(client) as then:
            before, after = (LiveAnswers(search, size=_OVERLAP_AT) for search in (now, then))
            compared = compare(before, after, queries, k=_OVERLAP_AT)
    except PassportMismatch as error:
        problem = f"not measured ({error.message}): give the live index's settings, --live-config"
        return Check("overlap", problem, required, passed=False)
    return Check(
        "overlap",
        f"{compared.overlap:.3f} of the first {_OVERLAP_AT}, "
        f"{compared.same_first:.0%} the same first hit, {compared.queries} queries",
        required,
        compared.overlap >= least,
    )
