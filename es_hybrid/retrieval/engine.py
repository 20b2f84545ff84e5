"""The search engine: a shop's request or a search body, from plan to answer.

    request -> plan -> vectors -> leaves -> fuse, rerank, pin -> page

Generators that do no I/O: they yield what they need (see `retrieval.needs`) and are sent the
result, or thrown the error. The driver decides how to wait.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from es_hybrid.errors import EmbeddingError, IndexStateError, RequestRefused
from es_hybrid.index.passport import Passport, choose_passport
from es_hybrid.retrieval.compile.conditions import has_prices
from es_hybrid.retrieval.compile.lexical import asks_for_patterns
from es_hybrid.retrieval.compile.shop import shop_plan, word_groups
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.execution.requests import checked, mapping
from es_hybrid.retrieval.execution.run import PlanRun
from es_hybrid.retrieval.execution.tree import texts, walk, with_vectors
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Compute, EmbedQuery, Need, Search
from es_hybrid.retrieval.plan import Key, Knn, Node, Plan
from es_hybrid.retrieval.remembered import Remembered
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.retriever_dsl.body import is_extended, parse_body
from es_hybrid.retrieval.retriever_dsl.own_query import own_query_plan, parse_extension
from es_hybrid.retrieval.understood import Vocabularies, corrected, read_vocabulary
from es_hybrid.retrieval.vector_fields import KnownFields, VectorFields, vector_fields
from es_hybrid.settings import Settings
from es_hybrid.understanding.condition import Condition
from es_hybrid.understanding.forms import may_have_forms, query_forms
from es_hybrid.understanding.identifiers import identifier_of
from es_hybrid.understanding.phrases import understood
from es_hybrid.understanding.understood import Understood
from es_hybrid.understanding.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_NO_EXCLUSIONS = "exclusions: the index refuses prefix queries, so nothing is excluded"
# Vocabularies to remember, and for how many seconds.
_VOCABULARIES = (100, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a search runs in.

    Attributes:
        index: As in a path; empty for every index.
        abilities: Abilities of the cluster; one object for all searches of a client.
        known: What earlier searches of this caller read from mappings.
        vocabularies: The catalogues' words that they read.
        reranks: Whether a reranker is configured.
        execution: Where compound retrievers run: `native` in Elasticsearch, `client` here, `auto`
            in Elasticsearch as far as it allows. None: the setting.
        degrade: A failing embedder or reranker makes a search worse instead of failing it.
    """

    index: str = ""
    settings: Settings = field(default_factory=Settings)
    abilities: Abilities = field(default_factory=Abilities)
    known: KnownFields = field(default_factory=dict)
    vocabularies: Vocabularies = field(default_factory=lambda: Remembered(*_VOCABULARIES))
    reranks: bool = False
    execution: Execution | None = None
    degrade: bool = True


def shop_search(request: SearchRequest, context: Context) -> Search:
    """Find products for a shopper's words.

    Raises:
        IndexStateError: the index has no passport, or several.
        EsHybridError: as `execute`.
    """

    def begin() -> Search:
        passport = yield from read_passport(context)
        meant = yield from _understood(request, passport, context)
        plan = partial(
            shop_plan, request, meant, context.index, passport, context.settings, context.reranks
        )
        found = yield from _with_patterns(plan, meant, context)
        return replace(found, passport=passport, understood=meant)

    return settled(begin, context.index, context.known)


def _with_patterns(plan: Callable[[bool], Plan], meant: Understood, context: Context) -> Search:
    """A shop's search; without prefixes and regular expressions if the index refuses them.

    Args:
        plan: Makes the plan, with or without them.
    """
    # Elasticsearch's fusion does not report the ranks of its legs, and knows no identifiers.
    here = replace(context, execution="client")
    allowed = context.index in context.abilities.patterns
    excludes = any(condition.excluded for condition in meant.conditions)
    if allowed or not excludes:
        try:
            return (yield from execute(plan(allowed), here))
        except RequestRefused:
            if not (allowed and (excludes or asks_for_patterns(meant.words))):
                raise
    found = yield from execute(plan(False), here)
    if allowed:
        context.abilities.patterns.refused(context.index)
        logger.info("%s refuses prefixes and regular expressions", context.index)
    if excludes:
        found = replace(found, degraded=(*found.degraded, _NO_EXCLUSIONS))
    return found


def answer(
    body: Mapping[str, Any], context: Context, params: Mapping[str, str] | None = None
) -> Search:
    """Answer a search body as `_search` does: a retriever tree, or a body with `ext.es_hybrid`.

    Args:
        params: Query-string parameters for Elasticsearch; those with a place in the body are
            already there.

    Raises:
        EsHybridError: as `execute`; `RequestRefused` if the body is malformed.
    """

    def begin() -> Search:
        compiled = _own_query if is_extended(body) else _retriever
        plan = yield from compiled(body, context, params or {})
        return (yield from execute(replace(plan, degrade=context.degrade), context))

    return settled(begin, context.index, context.known)


def execute(plan: Plan, context: Context) -> Search:
    """Run a plan.

    Raises:
        RequestRefused: Elasticsearch refuses the search, or would.
        EmbeddingError: no vector, and nothing left without it, or the plan does not degrade.
        RerankError: no scores, and the plan does not degrade.
        ElasticsearchError: the cluster cannot be reached.
    """
    execution = context.execution or context.settings.search.execution
    root, degraded = yield from _embedded(plan)
    while True:
        run = PlanRun(plan, root, context.abilities, execution, context.reranks)
        try:
            answer, report = yield from run.answered()
        except RequestRefused as refused:
            # A refused retriever is not sent again, so this loop ends.
            if execution != "auto":
                raise
            if not context.abilities.learn(refused.body(), sent=run.sent):
                raise
            continue
        keys = {Key(hit["_index"], hit["_id"]) for hit in answer["hits"]["hits"]}
        return Retrieved(
            answer=answer,
            read_stages=partial(report.stages, keys),
            degraded=(*degraded, *report.degraded),
            notes=tuple(report.notes),
            reranked=report.reranked,
        )


def read_passport(context: Context) -> Generator[Need, Any, Passport]:
    """The passport shared by all indices that the name stands for.

    Raises:
        RequestRefused: there is no such index, or none that may be read.
        IndexStateError: there is no passport, one index lacks it, or there are several to choose
            from.
    """
    fields = yield from _fields(context)
    if fields.passports and fields.without_passport:
        # Not a shop's index, although the alias includes it.
        raise IndexStateError(
            "an index behind this name has no es-hybrid passport: "
            + ", ".join(fields.without_passport),
            place=f"index {context.index}",
            remedy="remove it from the alias, or prepare it with `es-hybrid index plan`",
        )
    if len(fields.passports) == 1:
        return fields.passports[0]
    wanted = context.settings.index.vector_field
    return choose_passport(fields.passports, wanted, place=f"index {context.index}")


def _understood(
    request: SearchRequest, passport: Passport, context: Context
) -> Generator[Need, Any, Understood]:
    """What the shopper's words mean in this catalogue."""
    search, words = context.settings.search, request.words
    corrects = request.correct and search.spelling
    conditional = request.conditions and search.conditions
    if not (corrects or conditional):
        return Understood(words)
    vocabulary = yield from _vocabulary(context)
    conditions: tuple[Condition, ...] = ()
    if conditional:
        words, conditions = understood(
            words,
            currencies=vocabulary.currencies,
            ignore=request.ignore,
            priced=has_prices(passport),
        )
    number = identifier_of(words)
    if not corrects or (number is not None and number.certain):
        return Understood(words, conditions)
    groups = word_groups(passport, search)
    correction = yield from corrected(words, vocabulary, context.index, groups)
    searched = correction.text if correction else words
    forms: tuple[str, ...] = ()
    if may_have_forms(searched, vocabulary):
        forms = yield Compute(partial(query_forms, searched, vocabulary))
    if correction and correction.has_models:
        forms = (words, *forms)
    return Understood(searched, conditions, correction, forms)


def _vocabulary(context: Context) -> Generator[Need, Any, Vocabulary]:
    """The words of the indices that the name stands for; empty if they are not stored."""
    indices = (yield from _fields(context)).indices
    vocabulary: Vocabulary | None = context.vocabularies.get(indices)
    if vocabulary is None:
        vocabulary = yield from read_vocabulary(indices)
        context.vocabularies[indices] = vocabulary
    return vocabulary


def _fields(context: Context) -> Generator[Need, Any, VectorFields]:
    index = context.index
    if index not in context.known:
        reply = yield mapping(index)
        if reply.status == 404:
            raise RequestRefused(
                "no such index",
                status=404,
                type="index_not_found_exception",
                place=f"index {index}",
                remedy="create it with `es-hybrid index create`, or load into it",
                answer=reply.body,
            )
        context.known[index] = vector_fields(checked(reply))
    return context.known[index]


def _own_query(
    body: Mapping[str, Any], context: Context, params: Mapping[str, str]
) -> Generator[Need, Any, Plan]:
    """The plan of a body with `ext.es_hybrid`."""
    settings = context.settings
    extension = parse_extension(body["ext"]["es_hybrid"], settings.search)
    fields = yield from _fields(context)
    vector_field = fields.chosen(
        extension.vector_field, preferred=settings.index.vector_field, place=context.index
    )
    return own_query_plan(
        body,
        extension,
        vector_field=vector_field,
        passport=fields.passport_of(vector_field),
        rerank=settings.rerank,
        reranks=context.reranks,
        index=context.index,
        params=params,
    )


def _retriever(
    body: Mapping[str, Any], context: Context, params: Mapping[str, str]
) -> Generator[Need, Any, Plan]:
    """The plan of a body with a `retriever`."""
    plan = parse_body(body, index=context.index, params=params)
    if not texts(plan.root):
        return plan
    try:
        fields = yield from _fields(context)
    except RequestRefused:  # the search itself may still be allowed, or explains the refusal
        return plan
    embedded = (node for node in walk(plan.root) if isinstance(node, Knn) and node.vector is None)
    passports = dict.fromkeys(fields.passport_of(node.field) for node in embedded)
    return replace(plan, passports=tuple(filter(None, passports)))


def _embedded(plan: Plan) -> Generator[Need, Any, tuple[Node, list[str]]]:
    """The tree with its vectors; leaves that cannot be embedded are dropped and reported."""
    vectors: dict[str, Sequence[float] | None] = dict.fromkeys(texts(plan.root))
    failure: EmbeddingError | None = None
    try:
        for text in vectors:
            vectors[text] = yield EmbedQuery(text, plan.index, plan.passports)
    except EmbeddingError as error:  # further texts would only wait for the same failure
        if not plan.degrade:
            raise
        failure = error
    root = with_vectors(plan.root, vectors)
    if failure is None:
        assert root is not None
        return root, []
    if root is None:
        raise failure
    return root, [f"embedding: {failure.message}"]
