"""The merchandising rules of a search: kept up to date, and matched."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from es_hybrid.client import reason_of
from es_hybrid.errors import ElasticsearchError
from es_hybrid.merchandising.rules.matching import RuleSet, facts_of
from es_hybrid.merchandising.rules.rule import RuleVersion
from es_hybrid.merchandising.rules.stored import (
    HEAD_PATH,
    LIVE,
    RULES_INDEX,
    changed_since,
    versions_in,
)
from es_hybrid.retrieval.compile.ruling import NO_RULING, Ruling, ruling_of
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.known_rules import KnownRules, State
from es_hybrid.retrieval.needs import Call, Compute, Need, Reply
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.retriever_dsl.extension import Extension

# Seconds for the revision, and for rules: a search can do without them.
_SOON, _LATER = 1.0, 5.0


def refresh_rules(context: Context) -> Generator[Need, Any, None]:
    """Read the rules if others may have changed them. A failure leaves them as they were.

    A realtime GET reads the revision: it sees a write at once, and takes a millisecond.
    """
    known = context.rules
    if not context.settings.search.rules or not known.take_turn():
        return
    try:
        revision = {"_source_includes": "revision"}
        reply: Reply = yield Call("GET", HEAD_PATH, revision, within=_SOON)
        if reply.status == 404:
            known.learn(State())
        elif reply.status in (401, 403):
            known.learn(State(note=f"rules: not read: {_reason(reply)}"))
        else:
            yield from _follow(known, _source(reply)["revision"])
    except ElasticsearchError as error:
        known.learn(known.state._replace(degraded=f"rules: {error.message}"))
    except (KeyError, TypeError):
        known.learn(known.state._replace(degraded="rules: not read: an answer of another form"))


def shop_ruling(request: SearchRequest, context: Context) -> Generator[Need, Any, Ruling]:
    """What the rules do to a shop's request.

    They cannot overrule a mode or `rerank` that is not the default.
    """
    if not request.rules:
        return NO_RULING
    yield from refresh_rules(context)
    return _ruling(
        context,
        request.words,
        request.context,
        mode=None if request.mode == "hybrid" else request.mode,
        rerank=None if request.rerank else False,
    )


def own_ruling(extension: Extension, context: Context) -> Ruling:
    """What the rules, as last read, do to a body with `ext.es_hybrid`."""
    if not extension.rules:
        return NO_RULING
    return _ruling(
        context,
        extension.text,
        extension.context,
        rerank=extension.rerank,
        without=() if extension.understand else ("synonyms",),
    )


def _ruling(context: Context, words: str, facts: Mapping[str, Any], **asked: Any) -> Ruling:
    state = context.rules.state
    ruling = ruling_of(_fired(context, words, facts), **asked)
    if not (state.note or state.degraded):
        return ruling
    return replace(
        ruling,
        notes=tuple(filter(None, [state.note])),
        degraded=tuple(filter(None, [state.degraded])),
    )


def _fired(context: Context, words: str, facts: Mapping[str, Any]) -> list[RuleVersion]:
    """The rules that a search meets now, the highest priority first."""
    known, now = facts_of(words, context.index, facts), datetime.now(UTC)
    fired = context.rules.state.rules.fired(known, now)
    if not context.trial:
        return fired
    kept = [each for each in fired if each.rule.id not in context.trial]
    tried = RuleSet(each for each in context.trial.values() if each).fired(known, now)
    return sorted([*kept, *tried], key=RuleSet.order)


def _follow(known: KnownRules, revision: str) -> Generator[Need, Any, None]:
    """Know the rules of a revision."""
    rules = known.sets.get(revision)
    if revision == known.state.revision:
        rules = known.state.rules
    if rules is None:
        revision, rules = yield from _read(known.state)
        known.sets[revision] = rules
    known.learn(State(revision, rules))


def _read(state: State) -> Generator[Need, Any, tuple[str, RuleSet]]:
    """Revision and rules: what changed, if the head still knows, otherwise all."""
    head = _source((yield Call("GET", HEAD_PATH, within=_SOON)))
    ids = changed_since(head, state.revision)
    if ids is None:
        found: Reply = yield Call("POST", f"/{RULES_INDEX}/_search", {}, LIVE, within=_LATER)
        hits = _answer(found)["hits"]["hits"]
        rules = yield Compute(lambda: RuleSet(versions_in(hits)))
    else:
        found = yield Call("POST", f"/{RULES_INDEX}/_mget", {}, {"ids": ids}, within=_LATER)
        documents = _answer(found)["docs"]
        rules = yield Compute(lambda: state.rules.changed(versions_in(documents)))
    return head["revision"], rules


def _source(reply: Reply) -> Mapping[str, Any]:
    source: Mapping[str, Any] = _answer(reply)["_source"]
    return source


def _answer(reply: Reply) -> Mapping[str, Any]:
    """The answer.

    Raises:
        ElasticsearchError: it is an error.
    """
    if reply.status >= 400:
        raise ElasticsearchError(f"not read: {_reason(reply)}")
    answer: Mapping[str, Any] = reply.body
    return answer


def _reason(reply: Reply) -> str:
    error = reply.body.get("error") if isinstance(reply.body, Mapping) else None
    return reason_of(error) if error else f"Elasticsearch answered {reply.status}"
