"""Open the dims lab on an index: its vectors, the queries, and caveats about the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import server_version
from es_hybrid.embedding import Embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.dims import DimsLab
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.vectors import VectorSample, read_sample
from es_hybrid.index.document import PACKED_VECTORS_SINCE
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.passport import Passport, check_identity
from es_hybrid.settings import Settings, Similarity

# Titles used as queries if there are no judged queries.
_TITLES = 200


@dataclass(frozen=True, slots=True)
class OpenedLab:
    """A lab ready to run.

    Attributes:
        notes: Caveats that a reader of the figures must know.
    """

    lab: DimsLab
    passport: Passport
    notes: tuple[str, ...]


def open_lab(
    client: Elasticsearch,
    settings: Settings,
    embedder: Embedder,
    *,
    judged: tuple[list[Query], Qrels] | None,
    most: int,
) -> OpenedLab:
    """Read the index's vectors and embed the queries.

    Args:
        judged: Queries and judgements; None searches for titles, each relevant to its own product.
        most: Random products to draw, in addition to those judged relevant.

    Raises:
        IndexStateError: the index is missing, or was written with another embedder.
        EvaluationError: there are no vectors or no unique titles.
    """
    index = settings.index.name
    passport = open_index(client, index, vector_field=settings.index.vector_field)
    check_identity(passport, embedder.identity, index=index)
    queries, qrels = judged or ([], {})
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
                "no title is unique to one product",
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
    return OpenedLab(lab, passport, tuple(_notes(lab, settings, known=judged is None)))


def known_items(sample: VectorSample, most: int) -> tuple[list[Query], Qrels]:
    """Queries without judgements: titles unique in the sample, each relevant to its own product.

    Such queries are easy, so their figures are high. They only compare settings with each other.
    """
    times = Counter(sample.titles)
    chosen = [
        Query(id_, title)
        for id_, title in zip(sample.ids, sample.titles, strict=True)
        if title and times[title] == 1
    ][:most]
    return chosen, {query.id: {query.id: 1} for query in chosen}


def _notes(lab: DimsLab, settings: Settings, *, known: bool) -> Iterator[str]:
    if known:
        yield (
            f"NOT YOUR SHOPPERS' QUERIES: {len(lab.queries)} titles, each relevant to its own "
            "product. Such queries are easy: compare the rows, but do not trust their values; "
            "give --queries and --qrels"
        )
    drawn = len(lab.sample.ids)
    if drawn < lab.sample.total:
        yield (
            f"{drawn:,} of {lab.sample.total:,} products: with fewer products to confuse, "
            "nDCG and recall are higher than on all of them"
        )
    if settings.embedding.base_url is None:
        yield (
            "the embedded encoder was not trained for truncation (Matryoshka): its loss with fewer "
            "dims does not predict the loss of a model that was, such as Qwen3-Embedding"
        )
