"""Suggestions for what a shopper has typed so far, from letters to list.

    letters -> readings -> brands and categories, one search for products -> list

A generator that does no I/O, as those of `retrieval.engine`. Brands, categories and words come from
the catalogue's vocabulary in memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import InvalidRequest
from es_hybrid.index.document import product_of
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.context import Context, read_passport
from es_hybrid.retrieval.execution.requests import checked, path_of
from es_hybrid.retrieval.meaning import read_vocabulary
from es_hybrid.retrieval.moved import settled
from es_hybrid.retrieval.needs import Call, Compute, Need
from es_hybrid.suggesting.highlight import Highlighter
from es_hybrid.suggesting.query import products_body
from es_hybrid.suggesting.suggestion import Suggestion, mixed
from es_hybrid.understanding.named_values import NamedValue, name_words
from es_hybrid.understanding.plain import plain
from es_hybrid.understanding.unfinished import readings_of, split_unfinished
from es_hybrid.understanding.vocabulary import Vocabulary

# Characters of the text, and suggestions.
MAX_CHARS = 100
DEFAULT_SIZE, MAX_SIZE = 8, 20

# Products fetched for each suggestion: some have the same title.
_SPARE = 2

# Suggestions in progress; as `Search`.
Suggesting = Generator[Need, Any, list[Suggestion]]


def suggest(text: str, size: int, context: Context) -> Suggesting:
    """Suggest brands, categories and products for the beginning of a query.

    Args:
        text: What was typed so far, at most 100 characters. Without a letter or digit, nothing is
            suggested.
        size: Number of suggestions, 1 to 20.

    Raises:
        InvalidRequest: text or size is out of range.
        IndexStateError: the index has no passport, or several.
        RequestRefused: Elasticsearch refuses the search.
        ElasticsearchError: the cluster cannot be reached.
    """
    _check(text, size)
    typed = clean_query(text)
    if not split_unfinished(typed)[1]:
        return []
    begin = partial(_suggest, typed, size, context)
    return (yield from settled(begin, context.index, context.known))


def _suggest(typed: str, size: int, context: Context) -> Suggesting:
    passport = yield from read_passport(context)
    vocabulary = yield from read_vocabulary(context)
    spelling = context.settings.search.spelling
    readings, values = yield Compute(partial(_from_memory, typed, size, vocabulary, spelling))
    hits = yield from _products(readings, size, passport, context)
    chosen = mixed([*_values(values, passport), *_titles(hits, readings, passport)], size)
    highlighter = Highlighter(readings)
    return [replace(each, highlight=highlighter.html_of(each.text)) for each in chosen]


def _from_memory(
    typed: str, size: int, vocabulary: Vocabulary, spelling: bool
) -> tuple[list[str], list[NamedValue]]:
    """The readings, and as many brands and categories whose names begin so, best first."""
    readings = readings_of(typed, vocabulary) if spelling else [typed]
    found = [_begun(text, vocabulary) for text in readings]
    return readings, list(dict.fromkeys(chain.from_iterable(found)))


def _begun(text: str, vocabulary: Vocabulary) -> list[NamedValue]:
    """The brands and categories with all words of a reading, best first."""
    *complete, last = words = name_words(text)
    whole = " ".join(words)
    begun = [
        value
        for value in vocabulary.named.starting_with(last)
        if all(map(value.has_word, complete))
    ]
    return sorted(
        begun,
        key=lambda each: (each.name != whole, not each.name.startswith(whole), -each.products),
    )


def _products(
    readings: Sequence[str], size: int, passport: Passport, context: Context
) -> Generator[Need, Any, Sequence[Mapping[str, Any]]]:
    """The hits of the one search."""
    body = partial(
        products_body,
        readings,
        passport,
        size=_SPARE * size,
        minimum_should_match=context.settings.search.minimum_should_match,
    )
    allowed = context.index in context.abilities.patterns
    reply = yield Call("POST", path_of(context.index, "_search"), {}, body(patterns=allowed))
    if reply.status >= 400 and allowed:
        reply = yield Call("POST", path_of(context.index, "_search"), {}, body(patterns=False))
        if reply.status < 400:
            context.abilities.patterns.refused(context.index)
    hits: Sequence[Mapping[str, Any]] = checked(reply)["hits"]["hits"]
    return hits


def _values(values: Sequence[NamedValue], passport: Passport) -> Iterator[Suggestion]:
    keywords = None if passport.shop is None else dict(passport.shop.keywords)
    for value in values:
        field = value.field if keywords is None else keywords.get(value.field)
        if field is not None:
            first, *others = value.spellings
            filters = {field: [first, *others] if others else first}
            yield Suggestion(kind=value.field, text=first, filters=filters, count=value.products)


def _titles(
    hits: Sequence[Mapping[str, Any]], readings: Sequence[str], passport: Passport
) -> list[Suggestion]:
    """The products, those first whose titles begin with what was typed."""
    found = [
        Suggestion(kind="product", text=title, id=hit["_id"])
        for hit in hits
        if (title := product_of(passport, hit["_id"], hit["_source"]).title)
    ]
    starts = tuple(map(plain, readings))
    return sorted(found, key=lambda each: not plain(each.text).startswith(starts))


def _check(text: str, size: int) -> None:
    if len(text) > MAX_CHARS:
        raise InvalidRequest(
            f"{len(text)} characters are too many to complete",
            place="suggest",
            remedy=f"send at most {MAX_CHARS}, or search",
        )
    if not 1 <= size <= MAX_SIZE:
        raise InvalidRequest(
            f"{size} suggestions are out of range",
            place="suggest",
            remedy=f"ask for 1 to {MAX_SIZE}",
        )
