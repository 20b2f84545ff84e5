"""The synonyms of a search: read the rules, and apply them to a query."""

from __future__ import annotations

import logging
from collections.abc import Collection, Generator, Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

from es_hybrid.client import reason_of
from es_hybrid.errors import SettingsError
from es_hybrid.language import detect
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.needs import Call, Compute, Need, Reply
from es_hybrid.understanding.synonym_file import synonyms_set
from es_hybrid.understanding.synonym_rules import (
    NO_SYNONYMS,
    SynonymRules,
    parse_synonyms,
    phrase_key,
)
from es_hybrid.understanding.synonyms import Rewritten, rewritten
from es_hybrid.understanding.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

# Rules in one answer of the synonyms API, at most.
_MAX_SET = 10_000
# Probability of a language; py3langid's answer for a query of a word or two is a guess, and then
# the rules of every language apply.
_CONFIDENCE = 0.45


def known_synonyms(context: Context) -> Generator[Need, Any, tuple[SynonymRules, tuple[str, ...]]]:
    """The rules of `search.synonyms`, and what of them could not be read.

    Raises:
        ElasticsearchError: the cluster cannot be reached.
    """
    if context.synonyms is not None:
        if context.synonyms.is_due:
            yield Compute(context.synonyms.refresh)
        return context.synonyms.rules, ()
    name = synonyms_set(context.settings.search.synonyms)
    if name is None:
        return NO_SYNONYMS, ()
    known = context.synonym_sets.get(name)
    if known is None:
        known = context.synonym_sets[name] = yield from _read_set(name)
    if isinstance(known, str):
        return NO_SYNONYMS, (f"synonyms: {known}",)
    return known, ()


def with_synonyms(
    text: str, rules: SynonymRules, vocabulary: Vocabulary, ignore: Collection[str]
) -> Generator[Need, Any, Rewritten]:
    """Apply the rules to a query.

    Args:
        text: The cleaned query.
        ignore: Phrases that stay as they are.
    """
    if not rules:
        return Rewritten(text)
    matches = rules.find(text)
    if any(rule.language for match in matches for rule in match.rules):
        among = rules.languages | vocabulary.languages
        language = yield Compute(partial(detect, text, among, confidence=_CONFIDENCE))
        matches = rules.find(text, language)
    ignored = set(map(phrase_key, ignore))
    kept = [each for each in matches if phrase_key(text[each.start : each.end]) not in ignored]
    return rewritten(text, kept, vocabulary)


def _read_set(name: str) -> Generator[Need, Any, SynonymRules | str]:
    """The rules of a set, or why there are none."""
    reply: Reply = yield Call("GET", f"/_synonyms/{quote(name, safe='')}", {"size": f"{_MAX_SET}"})
    if reply.status >= 400:
        error = reply.body.get("error") if isinstance(reply.body, Mapping) else reply.body
        return f"the set {name} cannot be read: {reason_of(error)}"
    found: SynonymRules | str = yield Compute(partial(_rules_of, name, reply.body))
    return found


def _rules_of(name: str, body: Mapping[str, Any]) -> SynonymRules | str:
    try:
        lines = tuple(rule["synonyms"] for rule in body["synonyms_set"])
        if body["count"] > len(lines):
            logger.warning("of the set %s only %d rules are used", name, len(lines))
        return _parsed(lines, name)
    except SettingsError as error:
        return str(error)
    except (KeyError, TypeError):
        return f"the set {name} cannot be read: not an answer of the synonyms API"


@lru_cache(maxsize=64)
def with_lines(rules: SynonymRules, lines: tuple[str, ...]) -> SynonymRules:
    """Rules, and the same again with these of merchandising rules."""
    return rules | parse_synonyms(lines, place="rules")


@lru_cache(maxsize=8)
def _parsed(lines: tuple[str, ...], name: str) -> SynonymRules:
    """One object for equal sets, which many callers may read."""
    return parse_synonyms(lines, place=f"set {name}")
