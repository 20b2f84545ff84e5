"""Where vocabularies are kept: one document for each index, in a hidden index of their own."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_hybrid.client import translated
from es_hybrid.errors import EsHybridError
from es_hybrid.index.document import product_of
from es_hybrid.index.lifecycle import open_index, read_mappings
from es_hybrid.index.pages import read_hits
from es_hybrid.index.passport import Passport
from es_hybrid.understanding.vocabulary import Vocabulary, packed, unpacked, vocabulary_of

logger = logging.getLogger(__name__)

VOCABULARIES = "es-hybrid-vocabularies"

# Hidden: a pattern such as `*` does not include it.
_SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True}
# Products per page. One of a thousand characters takes a kilobyte.
_PAGE = 2000
# Reading 19,406 products takes 2.4 s, so as many as this half a minute.
_LARGE = 200_000
# Share of the products that may be new or gone.
_FEW = 0.05


def learn_vocabularies(
    client: Elasticsearch, name: str, *, vector_field: str
) -> dict[str, Vocabulary]:
    """Read all products of an index or alias, and store their words for searches.

    Returns:
        The words of each index that the name stands for.

    Raises:
        IndexStateError: there is no such index, or it has no passport.
        ElasticsearchError: the cluster refuses or fails.
    """
    with translated(f"index {name}"):
        passport = open_index(client, name, vector_field=vector_field)
        return {index: _learn(client, index, passport) for index in read_mappings(client, name)}


def learn_after_writing(
    client: Elasticsearch, name: str, *, vector_field: str, changed: int
) -> None:
    """Store the words of an index that was written to, unless few of them can have changed.

    A failure is logged: what is written stays, and searches do without the words that are missing.

    Args:
        changed: Number of products with new texts, as far as is known.
    """
    try:
        with translated(f"index {name}"):
            current = all(
                _is_current(client, index, changed) for index in read_mappings(client, name)
            )
        if not current:
            learn_vocabularies(client, name, vector_field=vector_field)
    except EsHybridError as error:
        logger.warning("searches do not know the words of what was written: %s", error)


def forget_vocabulary(client: Elasticsearch, index: str) -> None:
    """Remove the words of a deleted index; there may be none, or none that one may delete."""
    client.options(ignore_status=[403, 404]).delete(index=VOCABULARIES, id=index)


def vocabulary_request(indices: Collection[str]) -> tuple[str, Mapping[str, Any]]:
    """Path and body of the request, a POST, that reads the words of these indices."""
    return f"/{VOCABULARIES}/_mget", {"ids": sorted(indices)}


def vocabulary_in(answer: Mapping[str, Any]) -> Vocabulary | None:
    """The words in the answer, of all its indices; None if those of one are missing or damaged."""
    documents = answer.get("docs", ())
    if not documents or not all(document.get("found") for document in documents):
        return None
    try:
        return reduce(or_, (unpacked(document["_source"]) for document in documents))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        logger.warning("a stored vocabulary is damaged, run `es-hybrid index learn`: %s", error)
        return None


def _learn(client: Elasticsearch, index: str, passport: Passport) -> Vocabulary:
    hits = read_hits(client, index, size=_PAGE, source_excludes=[passport.vector_field])
    found = vocabulary_of(product_of(passport, hit["_id"], hit["_source"]) for hit in hits)
    create_hidden(client, VOCABULARIES)
    client.index(index=VOCABULARIES, id=index, document=packed(found))
    return found


def _is_current(client: Elasticsearch, index: str, changed: int) -> bool:
    """Whether the stored words still do.

    Missing words do no harm: before a search replaces a word, the index itself is asked for it.
    """
    stored = client.options(ignore_status=404).get(
        index=VOCABULARIES, id=index, source_includes="documents"
    )
    if not stored.get("found") or not changed:
        return bool(stored.get("found"))
    documents = int(client.count(index=index)["count"])
    few = abs(documents - int(stored["_source"]["documents"])) <= documents * _FEW
    return documents >= _LARGE and few


def create_hidden(client: Elasticsearch, index: str) -> None:
    """Create an index for documents that are only read by id, unless it exists.

    Raises:
        elasticsearch.ApiError: the cluster refuses.
    """
    mappings = {"dynamic": False, "properties": {}}
    try:
        client.indices.create(index=index, settings=_SETTINGS, mappings=mappings)
    except ApiError as error:
        if error.error != "resource_already_exists_exception":
            raise
