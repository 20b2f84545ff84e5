"""What a shopper typed, from the texts that a shop made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from es_hybrid.cleaning import clean_query
from es_hybrid.serve.rewriting.paths import TypedText

_QUERY_STRINGS = ("query_string", "simple_query_string")
_PATTERNS = ("wildcard", "prefix", "regexp")

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# A character of a query string that is meant literally, out of the way of the signs.
_KEPT = "\ue000"
# `-word`, `!word`, `NOT word`, also with a phrase: what the hits must not have.
_EXCLUDED = re.compile(r'(?:(?<=\s)|^)(?:NOT\s+|-|!)\s*(?:"[^"]*"|[^\s()]+)')
_FIELD = re.compile(r"(?:(?<=[\s(+])|^)[\w.*\\]+:(?=\S)")
_OPERATORS = re.compile(r"\b(?:AND|OR)\b|&&|\|\|?")
_SUFFIXES = re.compile(r'(?<=[\w"*)])[~^][\d.]*')
_SIGNS = re.compile(r'["*?()\[\]{}]|(?:(?<=\s)|^)\+')
_WILDCARDS = re.compile(r"(?:\.\*|[*?^$])+")


def typed_text(found: TypedText) -> str:
    """The shopper's words in one text.

    A `query_string` loses its syntax: quotes, wildcards, boosts, operators, names of fields, and
    the words that it excludes. A pattern loses its wildcards.
    """
    text = found.text
    if found.kind in _QUERY_STRINGS:
        text = _without_syntax(text)
    elif found.kind in _PATTERNS:
        text = _WILDCARDS.sub(" ", text)
    return clean_query(_unquoted(text))


def chosen(texts: Iterable[str]) -> str:
    """The text of a search from several: the first, or a longer one that contains it.

    A shop that searches each word also searches all of them; one with synonyms searches the
    shopper's own words first.
    """
    best = ""
    for text in filter(None, texts):
        if not best or (len(text) > len(best) and f" {best} ".lower() in f" {text} ".lower()):
            best = text
    return best


def _without_syntax(text: str) -> str:
    literal: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literal.append(match[1])
        return _KEPT

    text = _ESCAPED.sub(keep, text)
    for syntax in (_EXCLUDED, _FIELD, _OPERATORS, _SUFFIXES, _SIGNS):
        text = syntax.sub(" ", text)
    kept = iter(literal)
    # Characters of something that was removed are gone, too; the rest keep their order.
    return re.sub(_KEPT, lambda match: next(kept, " "), text)


def _unquoted(text: str) -> str:
    """Without quotation marks around the whole text."""
    stripped = text.strip()
    return stripped[1:-1] if len(stripped) > 1 and stripped[0] == stripped[-1] == '"' else text
