"""What a shopper's words mean in this catalogue: the steps of a search before its plan."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.conditions import has_prices
from es_hybrid.retrieval.compile.lexical import as_written
from es_hybrid.retrieval.context import Context, read_fields
from es_hybrid.retrieval.execution.requests import path_of
from es_hybrid.retrieval.needs import Call, Compute, Need, Reply
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.synonyms import known_synonyms, with_lines, with_synonyms
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.forms import may_have_forms, query_forms
from es_hybrid.understanding.identifiers import identifier_of
from es_hybrid.understanding.meaning import Meaning
from es_hybrid.understanding.phrases import split_conditions, values_named
from es_hybrid.understanding.spelling import Correction, correct, may_be_misspelt
from es_hybrid.understanding.store import vocabulary_in, vocabulary_request
from es_hybrid.understanding.synonym_rules import SynonymRules
from es_hybrid.understanding.vocabulary import Vocabulary


def meaning_of(
    request: SearchRequest, passport: Passport, context: Context, synonyms: Sequence[str] = ()
) -> Generator[Need, Any, Meaning]:
    """What the words of a request mean.

    Args:
        synonyms: Rules in addition to those of `search.synonyms`.

    Raises:
        EsHybridError: the mapping or the vocabulary cannot be read.
    """
    search, words = context.settings.search, request.words
    corrects = request.correct and search.spelling
    conditional = request.conditions and search.conditions
    rules, degraded = yield from known_synonyms(context)
    if synonyms:
        rules = yield Compute(partial(with_lines, rules, tuple(synonyms)))
    if not (corrects or conditional or rules):
        return Meaning(words, degraded=degraded)
    vocabulary = yield from read_vocabulary(context)
    conditions: tuple[Condition, ...] = ()
    if conditional:
        words, conditions = split_conditions(
            words,
            currencies=vocabulary.currencies,
            ignore=request.ignore,
            priced=has_prices(passport),
        )
    number = identifier_of(words)
    if number is not None and number.certain:
        return Meaning(words, conditions, degraded=degraded)
    correction: Correction | None = None
    if corrects:
        fields = as_written(search.fields, passport)
        correction = yield from _corrected(words, vocabulary, rules, context.index, fields)
    corrected = correction.text if correction else words
    if conditional:
        conditions += values_named(corrected, vocabulary, ignore=request.ignore)
    searched, forms, applied = yield from with_synonyms(
        corrected, rules, vocabulary, request.ignore
    )
    if corrects and may_have_forms(searched, vocabulary):
        forms += yield Compute(partial(query_forms, searched, vocabulary))
    if correction and correction.has_models:
        forms = (words, *forms)
    return Meaning(searched, conditions, correction, forms, applied, degraded)


def read_vocabulary(context: Context) -> Generator[Need, Any, Vocabulary]:
    """The words of the indices that the name stands for; empty if they are not stored."""
    indices = (yield from read_fields(context)).indices
    vocabulary: Vocabulary | None = context.vocabularies.get(indices)
    if vocabulary is None:
        vocabulary = yield from _request_vocabulary(indices)
        context.vocabularies[indices] = vocabulary
    return vocabulary


def _request_vocabulary(indices: frozenset[str]) -> Generator[Need, Any, Vocabulary]:
    """The words of these indices; none if they were never stored, or the caller may not read them.

    Raises:
        ElasticsearchError: the cluster cannot be reached.
    """
    path, body = vocabulary_request(indices)
    reply: Reply = yield Call("POST", path, {}, body)
    if reply.status >= 400:
        return Vocabulary({})
    vocabulary: Vocabulary = yield Compute(partial(_vocabulary_with_names, reply.body))
    return vocabulary


def _vocabulary_with_names(answer: Mapping[str, Any]) -> Vocabulary:
    vocabulary = vocabulary_in(answer) or Vocabulary({})
    _ = vocabulary.names  # made here, where no event loop waits
    return vocabulary


def _corrected(
    text: str,
    vocabulary: Vocabulary,
    rules: SynonymRules,
    index: str,
    fields: Sequence[str],
) -> Generator[Need, Any, Correction | None]:
    """The correction of a query, as far as neither the index nor a rule knows the replaced words.

    The vocabulary may be older than the index, and a word that the index knows is never replaced.

    Args:
        text: The cleaned query.
        fields: Fields of the lexical leg that keep every word.
    """
    if not may_be_misspelt(text, vocabulary):
        return None
    correction: Correction | None = yield Compute(partial(correct, text, vocabulary))
    if correction and rules:
        correction = correction.without(list(filter(rules.mention, correction.replaced)))
    if correction is None:
        return None
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
