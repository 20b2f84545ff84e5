"""The dims lab for an index: its vectors, the queries, and what must be said of the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import server_version
from es_hybrid.embedding import Embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.dims import DimsLab
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.vectors import VectorSample, read_sample
from es_hybrid.index.document import PACKED_VECTORS_SINCE
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.passport import Passport, check_identity
from es_hybrid.settings import Settings, Similarity

# Titles asked for where there are no judged queries.
_TITLES = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """Files of queries and judgements."""

    queries: Path
    qrels: Path


@dataclass(frozen=True, slots=True)
class OpenedLab:
    """A lab ready to run.

    Attributes:
        notes: What a reader of the figures must know.
    """

    lab: DimsLab
    passport: Passport
    notes: tuple[str, ...]


def open_lab(
    client: Elasticsearch,
    settings: Settings,
    embedder: Embedder,
    *,
    judged: Judged | None,
    most: int,
) -> OpenedLab:
    """Read the index's vectors and embed the queries.

    Args:
        judged: None: titles are asked for, each to find its own product.
        most: Products drawn by chance; those judged relevant come on top.

    Raises:
        IndexStateError: the index is not there, or was written with another embedder.
        EvaluationError: there are no vectors, or no queries that could be answered.
    """
    index = settings.index.name
    passport = open_index(client, index, vector_field=settings.index.vector_field)
    check_identity(passport, embedder.identity, index=index)
    queries, qrels = _read(judged) if judged else ([], {})
    sample = read_sample(
        client,
        index,
        vector_field=passport.vector_field,
        title_field=dict(passport.shop.fields)["title"] if passport.shop else "title",
        most=most,
        always={id_ for grades in qrels.values() for id_, grade in grades.items() if grade > 0},
    )
    if judged is None:
        queries, qrels = known_items(sample, _TITLES)
        if not queries:
            raise EvaluationError(
                "no title that one product alone has",
                place=f"index {index}",
                remedy="give --queries and --qrels",
            )
    lab = DimsLab(
        client=client,
        sample=sample,
        queries=queries,
        query_vectors=np.stack([embedder.embed_query(query.text) for query in queries]),
        qrels=qrels,
        similarity=cast("Similarity", passport.similarity),
        num_candidates=settings.search.num_candidates,
        packs_vectors=server_version(client) >= PACKED_VECTORS_SINCE,
    )
    return OpenedLab(lab, passport, tuple(_notes(lab, settings, judged)))


def known_items(sample: VectorSample, most: int) -> tuple[list[Query], Qrels]:
    """Queries for those who have none: titles, each of which is to find its own product.

    Only titles that one product of the sample has. Such queries are easy, so their figures are
    high; what they show is what a setting loses against another.
    """
    times = Counter(sample.titles)
    chosen = [
        Query(id_, title)
        for id_, title in zip(sample.ids, sample.titles, strict=True)
        if title and times[title] == 1
    ][:most]
    return chosen, {query.id: {query.id: 1} for query in chosen}


def _read(judged: Judged) -> tuple[list[Query], Qrels]:
    qrels = read_qrels(judged.qrels)
    queries = answerable(read_queries(judged.queries), qrels)
    if not queries:
        raise EvaluationError(
            "no query has a relevant product",
            place=str(judged.queries),
            remedy=f"its ids must be those of {judged.qrels}",
        )
    return queries, qrels


def _notes(lab: DimsLab, settings: Settings, judged: Judged | None) -> Iterator[str]:
    if judged is None:
        yield (
            f"NOT YOUR SHOPPERS' QUERIES: {len(lab.queries)} titles, each to find its own product. "
            "That is easy, so compare the rows and do not trust their height; "
            "give --queries and --qrels"
        )
    drawn = len(lab.sample.ids)
    if drawn < lab.sample.total:
        yield (
            f"{drawn:,} of {lab.sample.total:,} products: with fewer to mistake a product for, "
            "nDCG and recall are higher than on all"
        )
    if settings.embedding.base_url is None:
        yield (
            "the embedded encoder was not trained to be cut (Matryoshka): what fewer dims cost it "
            "says nothing about a model that was, as Qwen3-Embedding"
        )
