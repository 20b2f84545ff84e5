"""What a shopper's words mean in this catalogue: steps of a search that read its vocabulary."""

from __future__ import annotations

from collections.abc import Generator, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any

from es_hybrid.retrieval.execution.requests import path_of
from es_hybrid.retrieval.needs import Call, Compute, Need, Reply
from es_hybrid.understanding.spelling import Correction, correct, may_be_misspelt
from es_hybrid.understanding.store import vocabulary_in, vocabulary_request
from es_hybrid.understanding.vocabulary import Vocabulary

# The indices searched -> the words of their products. The owner decides when to forget.
Vocabularies = MutableMapping[frozenset[str], Vocabulary]


def read_vocabulary(indices: frozenset[str]) -> Generator[Need, Any, Vocabulary]:
    """The words of these indices; none if they were never stored, or the caller may not read them.

    Raises:
        ElasticsearchError: the cluster cannot be reached.
    """
    path, body = vocabulary_request(indices)
    reply: Reply = yield Call("POST", path, {}, body)
    if reply.status >= 400:
        return Vocabulary({})
    found: Vocabulary | None = yield Compute(partial(vocabulary_in, reply.body))
    return found or Vocabulary({})


def corrected(
    text: str, vocabulary: Vocabulary, index: str, field_groups: Sequence[Sequence[str]]
) -> Generator[Need, Any, Correction | None]:
    """The correction of a query, as far as the index itself does not know the replaced words.

    The vocabulary may be older than the index, and a word that the index knows is never replaced.

    Args:
        text: The cleaned query.
        field_groups: Fields of the lexical leg.
    """
    if not may_be_misspelt(text, vocabulary):
        return None
    correction: Correction | None = yield Compute(partial(correct, text, vocabulary))
    if correction is None:
        return None
    fields = [field for group in field_groups for field in group]
    words = correction.unknown
    if not words:
        return correction
    reply: Reply = yield Call("POST", path_of(index, "_search"), {}, _count_of(words, fields))
    if reply.status >= 400:
        return None
    buckets = reply.body["aggregations"]["words"]["buckets"]
    return correction.without([word for word in words if buckets[word]["doc_count"]])


def _count_of(words: Sequence[str], fields: Sequence[str]) -> Mapping[str, Any]:
    """The search that counts the documents with each of these words."""
    clauses = {
        word: {"multi_match": {"query": word, "fields": fields, "type": "phrase"}} for word in words
    }
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"bool": {"should": list(clauses.values())}},
        "aggs": {"words": {"filters": {"filters": clauses}}},
    }
