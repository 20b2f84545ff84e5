"""Texts about the same product, to learn synonyms from: titles of a group, queries and clicks."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.cleaning import clean_query
from es_hybrid.errors import AlignError, EvaluationError
from es_hybrid.index.document import product_of
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.pages import read_hits
from es_hybrid.records import GROUP_FIELD, Product
from es_hybrid.settings import Settings
from es_hybrid.synonyms.association import TextPair
from es_hybrid.understanding.identifiers import identifier_of

_PAGE = 1000
# Titles of a group; a product has no more descriptions.
_MAX_TITLES = 60
# Clicks that are read.
_MAX_CLICKS = 1_000_000

# Language and text.
_Title = tuple[str, str]


def pairs_of_groups(path: Path) -> Iterator[TextPair]:
    """The titles of groups that `align run --groups` wrote, .jsonl or .csv.

    Raises:
        AlignError: the file cannot be read, or a row has no group or title.
    """
    groups: defaultdict[str, list[_Title]] = defaultdict(list)
    for number, row in _group_rows(path):
        try:
            groups[row[GROUP_FIELD]].append((row.get("lang") or "", row["title"]))
        except (KeyError, TypeError):
            raise AlignError(
                f"no {GROUP_FIELD} or no title",
                place=f"{path}:{number}",
                remedy="use a file that `align run --groups` wrote",
            ) from None
    yield from _title_pairs(groups.values())


def pairs_of_index(client: Elasticsearch, settings: Settings) -> Iterator[TextPair]:
    """The titles of products with the same group, as `align apply` wrote it.

    Raises:
        IndexStateError: there is no such index, or it has no passport.
        elasticsearch.ApiError: the cluster refuses.
    """
    groups: defaultdict[str, list[_Title]] = defaultdict(list)
    query = {"exists": {"field": GROUP_FIELD}}
    for product, source in _products(client, settings, query):
        groups[source[GROUP_FIELD]].append((product.lang, product.title))
    yield from _title_pairs(groups.values())


def pairs_of_clicks(path: Path, client: Elasticsearch, settings: Settings) -> Iterator[TextPair]:
    """Queries and the titles of the products clicked, each once.

    Args:
        path: A click a line, as `{"query": "couch", "id": "4711"}`.

    Raises:
        EvaluationError: the file cannot be read, or a line is no click.
        IndexStateError: there is no such index, or it has no passport.
        elasticsearch.ApiError: the cluster refuses.
    """
    queries: defaultdict[str, list[str]] = defaultdict(list)
    for text, id_ in _clicks(path):
        queries[id_].append(text)
    ids = list(queries)
    for start in range(0, len(ids), _PAGE):
        query = {"ids": {"values": ids[start : start + _PAGE]}}
        for product, _ in _products(client, settings, query):
            lang = _language(product.lang)
            for text in queries[product.id]:
                yield TextPair(text, product.title, lang, lang, "clicks")


def _title_pairs(groups: Iterable[Sequence[_Title]]) -> Iterator[TextPair]:
    for titles in groups:
        named = sorted({(_language(lang), title) for lang, title in titles})[:_MAX_TITLES]
        for (left_lang, left), (right_lang, right) in combinations(named, 2):
            if left != right:  # a title that was not translated
                yield TextPair(left, right, left_lang, right_lang, "titles")


def _products(
    client: Elasticsearch, settings: Settings, query: Mapping[str, Any]
) -> Iterator[tuple[Product, Mapping[str, Any]]]:
    """The products that match, and their stored documents."""
    index, vector_field = settings.index.name, settings.index.vector_field
    passport = open_index(client, index, vector_field=vector_field)
    hits = read_hits(
        client, index, size=_PAGE, query=query, source_excludes=[passport.vector_field]
    )
    for hit in hits:
        yield product_of(passport, hit["_id"], hit["_source"]), hit["_source"]


def _group_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line numbers and rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".csv":
            yield from enumerate(csv.DictReader(text.splitlines()), 2)
        else:
            yield from enumerate(map(orjson.loads, text.splitlines()), 1)
    except (OSError, ValueError) as error:
        raise AlignError(
            f"cannot be read: {error}",
            place=str(path),
            remedy="use a .jsonl or .csv file that `align run --groups` wrote",
        ) from None


def _clicks(path: Path) -> Iterator[tuple[str, str]]:
    """Different queries and ids, in order; queries for trade numbers have no synonyms."""
    try:
        with path.open("rb") as file:
            clicks = (_click(line, f"{path}:{number}") for number, line in enumerate(file, 1))
            seen = dict.fromkeys(islice(clicks, _MAX_CLICKS))
    except OSError as error:
        raise EvaluationError(
            f"cannot be read: {error.strerror}", place=str(path), remedy="name a file of clicks"
        ) from None
    yield from ((query, id_) for query, id_ in seen if query and identifier_of(query) is None)


def _click(line: bytes, place: str) -> tuple[str, str]:
    try:
        click = orjson.loads(line)
        return clean_query(click["query"]).lower(), str(click["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EvaluationError(
            "no click", place=place, remedy='write {"query": "couch", "id": "4711"}'
        ) from None


def _language(tag: str) -> str:
    return tag.partition("-")[0].lower()
