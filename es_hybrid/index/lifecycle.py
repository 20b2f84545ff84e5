"""Create, open and describe an index; read and write its mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from es_hybrid.client import knows_the_path, reason_of
from es_hybrid.embedding import Embedder
from es_hybrid.errors import IndexStateError
from es_hybrid.index.body import index_body, sub_fields
from es_hybrid.index.passport import Passport, choose_passport, issue_passport, passports_of
from es_hybrid.settings import Settings


def create_index(
    client: Elasticsearch,
    settings: Settings,
    embedder: Embedder,
    *,
    name: str | None = None,
    alias: str | None = None,
) -> Passport:
    """Create the index that the settings describe, named `name` or `index.name`.

    Args:
        alias: Alias to create with it, in the same request.

    Raises:
        IndexStateError: the index exists, or the cluster rejects its body.
        EmbeddingError: the embedder cannot report its dims or embed the canaries.
    """
    name = name or settings.index.name
    languages = sub_fields(settings.index.languages)
    passport = issue_passport(settings, embedder, languages=languages)
    body = index_body(settings.index, passport=passport)
    try:
        client.indices.create(
            index=name,
            settings=body["settings"],
            mappings=body["mappings"],
            aliases={alias: {}} if alias else None,
        )
    except BadRequestError as error:
        if error.error == "resource_already_exists_exception":
            raise IndexStateError(
                "the index already exists",
                place=f"index {name}",
                remedy="load into it, or choose another name with --index",
            ) from None
        reason = reason_of(error.body["error"])
        raise IndexStateError(
            f"Elasticsearch rejects the index: {error.message}: {reason}",
            place=f"index {name}",
            remedy="correct the [index] section of the settings",
        ) from None
    return passport


def open_index(client: Elasticsearch, name: str, *, vector_field: str | None = None) -> Passport:
    """Return the passport of an index or alias.

    Args:
        vector_field: Selects one if the index has several, as during a change of model.

    Raises:
        IndexStateError: the index is missing, has no passport, or has several to choose from.
    """
    mappings = read_mappings(client, name)
    of_indices = {passports_of(mapping) for mapping in mappings.values()}
    if len(of_indices) > 1:
        raise IndexStateError(
            f"the alias points to {len(mappings)} indices with different passports",
            place=f"index {name}",
            remedy="name one of " + ", ".join(sorted(mappings)),
        )
    return choose_passport(of_indices.pop(), vector_field, place=f"index {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDescription:
    """What `index describe` shows.

    Attributes:
        with_vector: Documents with a vector.
        languages: Language -> documents, most frequent first.
    """

    name: str
    passport: Passport
    documents: int
    with_vector: int
    size_bytes: int
    vector_options: dict[str, Any]
    languages: dict[str, int]


def describe_index(
    client: Elasticsearch, name: str, *, vector_field: str | None = None
) -> IndexDescription:
    """Count the documents of an index and measure its size.

    Args:
        vector_field: As in `open_index`.

    Raises:
        IndexStateError: as in `open_index`.
    """
    passport = open_index(client, name, vector_field=vector_field)
    mapping = next(iter(read_mappings(client, name).values()))
    aggs: dict[str, Any] = {"with_vector": {"filter": {"exists": {"field": passport.vector_field}}}}
    language = "lang" if passport.shop is None else dict(passport.shop.keywords).get("lang")
    if language:
        aggs["languages"] = {"terms": {"field": language, "size": 50}}
    answer = client.search(index=name, size=0, track_total_hits=True, aggs=aggs)
    buckets = answer["aggregations"]["languages"]["buckets"] if language else []
    stats = client.indices.stats(index=name, metric="store")
    return IndexDescription(
        name=name,
        passport=passport,
        documents=answer["hits"]["total"]["value"],
        with_vector=answer["aggregations"]["with_vector"]["doc_count"],
        size_bytes=stats["_all"]["primaries"]["store"]["size_in_bytes"],
        vector_options=mapping["properties"][passport.vector_field],
        languages={bucket["key"]: bucket["doc_count"] for bucket in buckets},
    )


def read_mappings(client: Elasticsearch, name: str) -> dict[str, dict[str, Any]]:
    """Index -> mapping, for each index that a name or alias resolves to.

    Raises:
        IndexStateError: there is none.
    """
    try:
        answer = client.indices.get_mapping(index=name).body
    except NotFoundError as error:
        if not knows_the_path(error):
            raise
        answer = {}
    if not answer:  # a pattern that matches nothing is no error for Elasticsearch
        raise IndexStateError(
            "no such index",
            place=f"index {name}",
            remedy="create it with `es-hybrid index create`, or load into it",
        )
    return {index: entry["mappings"] for index, entry in answer.items()}


def write_meta(client: Elasticsearch, index: str, entries: Mapping[str, Any], **more: Any) -> None:
    """Set entries of one index's `_meta` and keep the others.

    Elasticsearch replaces `_meta` as a whole, so it is read first.

    Args:
        more: Further parts of the mapping to set, e.g. `properties`.
    """
    meta = {**read_meta(client, index), **entries}
    client.indices.put_mapping(index=index, meta=meta, **more)


def read_meta(client: Elasticsearch, index: str) -> dict[str, Any]:
    """The `_meta` of one index."""
    [entry] = client.indices.get_mapping(index=index).body.values()
    meta: dict[str, Any] = entry["mappings"].get("_meta", {})
    return meta
