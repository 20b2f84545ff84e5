"""Making, opening and describing an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from es_hybrid.embedding import Embedder
from es_hybrid.errors import IndexStateError
from es_hybrid.index.analyzers import probe_analyzers
from es_hybrid.index.body import index_body
from es_hybrid.index.passport import Passport, issue_passport
from es_hybrid.settings import Settings


def create_index(
    client: Elasticsearch, settings: Settings, embedder: Embedder, *, name: str | None = None
) -> Passport:
    """Make the index that the settings describe, under `name` or `index.name`.

    Raises:
        IndexStateError: it exists, or the cluster refuses its body.
        EmbeddingError: the embedder cannot tell its dims or embed the canaries.
    """
    name = name or settings.index.name
    analyzers = probe_analyzers(client, settings.index.languages)
    passport = issue_passport(settings, embedder, languages=sorted(analyzers))
    body = index_body(settings.index, passport=passport, analyzers=analyzers)
    try:
        client.indices.create(index=name, settings=body["settings"], mappings=body["mappings"])
    except BadRequestError as error:
        if error.error == "resource_already_exists_exception":
            raise IndexStateError(
                "the index exists already",
                place=f"index {name}",
                remedy="load into it, or choose another name with --index",
            ) from None
        raise IndexStateError(
            f"Elasticsearch refuses it: {error.message}: {error.body['error'].get('reason')}",
            place=f"index {name}",
            remedy="correct the section [index] of the settings",
        ) from None
    return passport


def open_index(client: Elasticsearch, name: str) -> Passport:
    """The passport of an index or an alias of one.

    Raises:
        IndexStateError: no such index, or one without a passport.
    """
    mappings = _mappings(client, name)
    passports = {index: Passport.from_mapping(mapping) for index, mapping in mappings.items()}
    found = {passport for passport in passports.values() if passport is not None}
    if len(found) == 1 and None not in passports.values():
        return found.pop()
    if len(found) > 1:
        raise IndexStateError(
            f"it stands for {len(passports)} indices with unlike passports",
            place=f"index {name}",
            remedy="name one of " + ", ".join(sorted(passports)),
        )
    raise IndexStateError(
        "it has no es-hybrid passport, so nothing says what its vectors were made with",
        place=f"index {name}",
        remedy="make one with `es-hybrid index create` and load into it",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDescription:
    """What `index describe` shows.

    Attributes:
        with_vector: Documents that have a vector.
        languages: Documents by language, most first.
    """

    name: str
    passport: Passport
    documents: int
    with_vector: int
    size_bytes: int
    vector_options: dict[str, Any]
    languages: dict[str, int]


def describe_index(client: Elasticsearch, name: str) -> IndexDescription:
    """Count and measure an index.

    Raises:
        IndexStateError: as `open_index`.
    """
    passport = open_index(client, name)
    mapping = next(iter(_mappings(client, name).values()))
    answer = client.search(
        index=name,
        size=0,
        track_total_hits=True,
        aggs={
            "with_vector": {"filter": {"exists": {"field": passport.vector_field}}},
            "languages": {"terms": {"field": "lang", "size": 50}},
        },
    )
    buckets = answer["aggregations"]["languages"]["buckets"]
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


def _mappings(client: Elasticsearch, name: str) -> dict[str, dict[str, Any]]:
    """Concrete index -> its mapping."""
    try:
        answer = client.indices.get_mapping(index=name)
    except NotFoundError:
        raise IndexStateError(
            "no such index",
            place=f"index {name}",
            remedy="make it with `es-hybrid index create`, or load into it",
        ) from None
    return {index: entry["mappings"] for index, entry in answer.body.items()}
