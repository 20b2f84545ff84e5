"""The search engine: a shop's request or a search body, from plan to answer.

    request -> plan -> vectors -> leaves -> fuse, rerank, pin -> page

Generators that do no I/O: they yield what they need (see `retrieval.needs`) and are sent the
result, or thrown the error. The driver decides how to wait.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from es_hybrid.errors import RequestRefused
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.compile.conditions import condition_clauses
from es_hybrid.retrieval.compile.lexical import asks_for_patterns
from es_hybrid.retrieval.compile.ruling import Ruling
from es_hybrid.retrieval.compile.shop import shop_plan
from es_hybrid.retrieval.compile.signals import check_signals
from es_hybrid.retrieval.context import Context, narrowed, read_fields, read_passport
from es_hybrid.retrieval.execution.requests import checked, path_of
from es_hybrid.retrieval.execution.run import PlanRun
from es_hybrid.retrieval.execution.tree import check_dims
from es_hybrid.retrieval.meaning import meaning_of
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Call, Need, Search
from es_hybrid.retrieval.plan import Key, Plan
from es_hybrid.retrieval.query_rules import ruled_queries, ruled_tree
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.retriever_dsl.body import is_extended, parse_body
from es_hybrid.retrieval.retriever_dsl.display import displayed
from es_hybrid.retrieval.retriever_dsl.extension import Extension, parse_extension
from es_hybrid.retrieval.retriever_dsl.own_query import own_query_plan, vector_filters
from es_hybrid.retrieval.retriever_dsl.rank_section import as_retriever, has_rank
from es_hybrid.retrieval.retriever_dsl.ruled_query import ruled, wants_rules, with_ruling
from es_hybrid.retrieval.retriever_dsl.rules import has_rules
from es_hybrid.retrieval.rules import own_ruling, refresh_rules, shop_ruling
from es_hybrid.retrieval.value_classes import with_classes
from es_hybrid.retrieval.vectors import embedded, embedded_queries, with_field_facts
from es_hybrid.retrieval.zero_results import judged
from es_hybrid.understanding.meaning import Meaning

logger = logging.getLogger(__name__)

_NO_EXCLUSIONS = "exclusions: the index refuses prefix queries, so nothing is excluded"


def shop_search(request: SearchRequest, context: Context) -> Search:
    """Find products for a shopper's words.

    Raises:
        IndexStateError: the index has no passport, or several.
        EsHybridError: as `execute`.
    """
    ruling = yield from shop_ruling(request, context)
    asked = ruling.applied(request, context.settings.search.signals)

    def begin() -> Search:
        passport = yield from read_passport(context)
        if asked.collapse:
            yield from _check_mapped(asked.collapse, context)
        meant = yield from meaning_of(asked, passport, context, ruling.synonyms)
        widened, classes = yield from with_classes(asked, context)
        plan = partial(
            shop_plan, widened, meant, context.index, passport, context.settings, context.reranks,
            required=ruling.clauses, classes=classes,
        )  # fmt: skip
        # What only a rule pins does not make the shop sell what was asked for.
        found = yield from searched(plan, meant, request, passport, context)
        return replace(found, value_classes=classes)

    return ruling.reported((yield from settled(begin, context.index, context.known)))


def _check_mapped(field: str, context: Context) -> Generator[Need, Any, None]:
    """Refuse to group by a field that no index has: every product would be one of its own."""
    if not (yield from read_fields(context)).types.types_of(field):
        raise RequestRefused(
            f"no mapping found for `{field}` in order to collapse on",
            place="collapse",
            remedy="name a keyword or number field of the index",
        )


def searched(
    plan: Callable[[bool], Plan],
    meant: Meaning,
    request: SearchRequest,
    passport: Passport,
    context: Context,
) -> Search:
    """Run the plan of a meaning, and judge what it finds.

    Args:
        plan: Makes the plan, with or without prefixes and regular expressions.
        meant: What the text of the request means.

    Raises:
        EsHybridError: as `execute`.
    """
    found = yield from _with_patterns(plan, meant, context)
    degraded = (*meant.degraded, *found.degraded)
    found = replace(found, passport=passport, meaning=meant, degraded=degraded)
    return (yield from judged(found, request, context))


def _with_patterns(plan: Callable[[bool], Plan], meant: Meaning, context: Context) -> Search:
    """A shop's search; without prefixes and regular expressions if the index refuses them."""
    # Elasticsearch's fusion does not report the ranks of its legs, and knows no identifiers.
    here = replace(context, execution="client")
    allowed = context.index in context.abilities.patterns
    excludes = any(condition.excluded for condition in meant.conditions)
    if allowed or not excludes:
        try:
            return (yield from execute(plan(allowed), here))
        except RequestRefused:
            if not (allowed and (excludes or asks_for_patterns(meant.typed))):
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
    """Answer a search body as `_search` does.

    A retriever tree, a body with `ext.es_hybrid`, one that fuses by `rank`, or any other whose
    `knn` sections and queries have a text to embed, or with a `rule` query.

    Args:
        params: Query-string parameters for Elasticsearch; those with a place in the body are
            already there.

    Raises:
        EsHybridError: as `execute`; `RequestRefused` if the body is malformed.
    """
    context = narrowed(context, params or {})
    if is_extended(body) and wants_rules(body):
        yield from refresh_rules(context)

    def begin() -> Search:
        asked = body
        if not is_extended(body) and has_rank(body):
            asked = as_retriever(body, scroll="scroll" in (params or {}))
        asked = yield from ruled_queries(asked, context)
        asked, degraded = yield from embedded_queries(asked, context, params or {})
        found = yield from _answered(asked, body, context, params or {})
        return replace(found, degraded=(*degraded, *found.degraded)) if degraded else found

    return (yield from settled(begin, context.index, context.known))


def execute(plan: Plan, context: Context) -> Search:
    """Run a plan.

    Raises:
        RequestRefused: Elasticsearch refuses the search, or would.
        EmbeddingError: no vector, and nothing left without it, or the plan does not degrade.
        RerankError: no scores, and the plan does not degrade.
        ElasticsearchError: the cluster cannot be reached.
    """
    if context.stages_in_full:
        plan = replace(plan, documents_apart=False)
    root, degraded = yield from embedded(plan)
    check_dims(root, plan.dims)
    if (fields := context.known.get(context.index)) is not None and fields.indices:
        check_signals(root, fields.types, plan.settings.get("runtime_mappings", ()))
    while True:
        root = yield from ruled_tree(root, context)
        run = PlanRun(plan, root, context.abilities, context.runs_in, context.reranks)
        try:
            answer, report = yield from run.answered()
        except RequestRefused as refused:
            # A refused retriever is not sent again, so this loop ends.
            if context.runs_in == "native":
                raise
            if not context.abilities.learn(refused.body(), sent=run.sent):
                raise
            continue
        keys = {Key(hit["_index"], hit["_id"]) for hit in answer["hits"]["hits"]}
        return Retrieved(
            answer=answer,
            read_stages=partial(report.stages, keys),
            read_whole_stages=report.stages,
            degraded=(*degraded, *report.degraded),
            notes=(*plan.notes, *report.notes),
            reranked=report.reranked,
            best=report.best(),
        )


def _answered(
    body: Mapping[str, Any],
    written: Mapping[str, Any],
    context: Context,
    params: Mapping[str, str],
) -> Search:
    """Answer a body whose `knn` queries have their vectors, and `rule` queries their rules.

    Args:
        written: The body before they had.
    """
    if is_extended(body):
        return (yield from _own_query(body, context, params))
    if "retriever" not in body and (body is not written or has_rules(body)):
        path = path_of(context.index, "_search")
        return Retrieved(answer=checked((yield Call("POST", path, params, body))))
    plan = parse_body(body, index=context.index, params=params)
    plan = yield from with_field_facts(replace(plan, degrade=context.degrade), context, params)
    return (yield from execute(plan, context))


def _own_query(body: Mapping[str, Any], context: Context, params: Mapping[str, str]) -> Search:
    """Answer a body with `ext.es_hybrid`."""
    extension, plan, passport = yield from own_plan(body, context, params)
    ruling = own_ruling(extension, context)
    extension = ruled(extension, ruling)
    if not extension.understand:
        made = with_ruling(plan(extension), ruling)
        found = yield from execute(made, context)
        found = replace(found, filters=vector_filters(made.root))
    elif passport is None:
        raise RequestRefused("[es_hybrid] [understand] needs an index with a passport")
    else:
        found = yield from _understood(extension, plan, passport, context, ruling)
    if extension.display_lang:
        found = displayed(found)
    return ruling.reported(found)


def own_plan(
    body: Mapping[str, Any], context: Context, params: Mapping[str, str]
) -> Generator[Need, Any, tuple[Extension, Callable[..., Plan], Passport | None]]:
    """`ext.es_hybrid` of a body, what makes the plan of an extension, and the index's passport.

    Raises:
        RequestRefused: the body is malformed, or the index has no vectors.
    """
    settings = context.settings
    extension = parse_extension(body["ext"]["es_hybrid"], settings.search)
    fields = yield from read_fields(context, params)
    vector_field = fields.chosen(
        extension.vector_field, preferred=settings.index.vector_field, place=context.index
    )
    passport = fields.passport_of(vector_field)
    plan = partial(
        own_query_plan,
        body,
        vector_field=vector_field,
        passport=passport,
        dims=fields.dims,
        types=fields.types,
        search=settings.search,
        rerank=settings.rerank,
        reranks=context.reranks,
        index=context.index,
        params=params,
        degrade=context.degrade,
    )
    return extension, plan, passport


def _understood(
    extension: Extension,
    plan: Callable[..., Plan],
    passport: Passport,
    context: Context,
    ruling: Ruling,
) -> Search:
    """Answer a body with `ext.es_hybrid` whose text is read as that of a shop's search.

    What would rank products higher is for the body's own query to say.
    """
    request = SearchRequest(text=extension.text)
    meant = yield from meaning_of(request, passport, context, ruling.synonyms)
    filters = tuple(each for each in meant.conditions if each.effect == "filter")
    meant = replace(meant, conditions=filters)

    def filtered(patterns: bool) -> Plan:
        kept = [each for each in filters if patterns or not each.excluded]
        made = with_ruling(plan(replace(extension, text=meant.words)), ruling)
        clauses = condition_clauses(kept, passport)
        return replace(made, root=replace(made.root, filters=(*made.root.filters, *clauses)))

    found = yield from searched(filtered, meant, request, passport, context)
    return replace(found, filters=vector_filters(filtered(patterns=True).root))
