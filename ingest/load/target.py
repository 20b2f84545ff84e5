"""The index of a load: opened and checked, or created."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from elasticsearch import Elasticsearch

from es_hybrid.client import connect, server_version, translated, url_of
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import ElasticsearchError, IndexStateError
from es_hybrid.index.document import PACKED_VECTORS_SINCE
from es_hybrid.index.lifecycle import open_index, read_mappings
from es_hybrid.index.passport import Passport, check_writing
from es_hybrid.index.versions import alias_of, create_version
from es_hybrid.settings import Settings
from ingest.cleaning.clean import VERSION
from ingest.load.changes import Rules
from ingest.load.worker import VectorSource, WorkerSpec

# Versions of loads are microseconds since 1970; 10^15 was in 2001. A feed's own versions are dates
# in milliseconds or counters, and far below.
_FIRST_LOAD_VERSION = 10**15


@dataclass(frozen=True, slots=True)
class Target:
    """An open index, and what workers must know about it."""

    client: Elasticsearch
    embedder: Embedder
    spec: WorkerSpec


@contextlib.contextmanager
def open_target(
    settings: Settings,
    *,
    reuse_vectors_from: str | None,
    begins: bool,
    say: Callable[[str], None],
) -> Iterator[Target]:
    """Connect, and open the index of the settings or create it.

    Args:
        reuse_vectors_from: An index whose vectors may be copied. None for the live version of the
            alias, if the index is another version of it.
        begins: The load is new; it has written nothing yet.
        say: Takes a line about each decision.

    Raises:
        EsHybridError: nothing can be loaded.
    """
    with (
        closing(connect(settings.elasticsearch)) as client,
        closing(open_embedder(settings.embedding)) as embedder,
    ):
        with translated(url_of(client)):
            passport = _opened_index(client, settings, embedder, say)
            spec = _spec(client, settings, passport, begins=begins, say=say)
            reuse = _vectors_to_reuse(client, spec.index, passport, reuse_vectors_from, say)
        yield Target(client, embedder, replace(spec, reuse=reuse))


def _spec(
    client: Elasticsearch,
    settings: Settings,
    passport: Passport,
    *,
    begins: bool,
    say: Callable[[str], None],
) -> WorkerSpec:
    index = settings.index.name
    fresh = begins and _is_empty(client, index)
    feed_versions = VERSION in settings.ingest.fields
    if feed_versions and not fresh:
        _check_versions(client, index)
    rules = Rules(
        vector_field=passport.vector_field,
        hash_field=passport.hash_field,
        packs_vectors=server_version(client) >= PACKED_VECTORS_SINCE,
        feed_versions=feed_versions,
        whole_documents=_hides_fields(client, index, say),
    )
    return WorkerSpec(
        settings=settings,
        index=index,
        rules=rules,
        fresh=fresh,
    )


def _opened_index(
    client: Elasticsearch, settings: Settings, embedder: Embedder, say: Callable[[str], None]
) -> Passport:
    index = settings.index.name
    if not client.indices.exists(index=index):
        name, passport = create_version(client, settings, embedder)
        created = name if name == index else f"{name} behind the alias {index}"
        say(f"created index {created}: {passport.dims} dims of {passport.model}")
        return passport
    passport = open_index(client, index, vector_field=settings.index.vector_field)
    check_writing(
        passport,
        embedder,
        index=index,
        template=settings.ingest.text_template,
        max_chars=settings.ingest.text_max_chars,
    )
    return passport


def _is_empty(client: Elasticsearch, index: str) -> bool:
    """Whether the index has no documents, not even ones that searches cannot see yet."""
    client.indices.refresh(index=index)
    return int(client.count(index=index)["count"]) == 0


def _hides_fields(client: Elasticsearch, index: str, say: Callable[[str], None]) -> bool:
    """Whether a partial write would lose fields that `_source` hides."""
    filters = [mapping.get("_source", {}) for mapping in read_mappings(client, index).values()]
    if not any(f.get("excludes") or f.get("includes") for f in filters):
        return False
    say(
        f"index {index}: its mapping hides fields from _source, so documents cannot be updated "
        "in part: each changed row is embedded and written whole"
    )
    return True


def _check_versions(client: Elasticsearch, index: str) -> None:
    """Refuse feed versions in an index with load versions: every row would be older.

    Raises:
        IndexStateError: the index was loaded without feed versions.
    """
    hits = client.search(index=index, size=1, version=True, source=False)["hits"]["hits"]
    if hits and hits[0]["_version"] >= _FIRST_LOAD_VERSION:
        raise IndexStateError(
            "its documents have load versions, which are higher than any version of the feed",
            place=f"index {index}",
            remedy="load into a new index, or remove ingest.fields.version",
        )


def _vectors_to_reuse(
    client: Elasticsearch,
    index: str,
    passport: Passport,
    named: str | None,
    say: Callable[[str], None],
) -> VectorSource | None:
    """The index whose vectors are copied, if they are of the same model and text template.

    Raises:
        IndexStateError: the named index does not exist, or its vectors cannot be copied.
    """
    alias = alias_of(index)
    source = named or alias
    if source is None or not client.indices.exists(index=source):
        if named:
            raise IndexStateError(
                "no such index", place=f"index {named}", remedy="check --reuse-vectors-from"
            )
        return None
    if {*read_mappings(client, source)} & {*read_mappings(client, index)}:
        return None
    try:
        other = open_index(client, source)
    except IndexStateError:
        if named:
            raise
        return None
    if not _same_vectors(passport, other):
        if named:
            raise IndexStateError(
                "its vectors are of another model or of other texts",
                place=f"index {named}",
                remedy="omit --reuse-vectors-from",
            )
        return None
    say(f"vectors of unchanged texts are copied from {source}")
    return VectorSource(source, other.vector_field, other.hash_field)


def _same_vectors(one: Passport, other: Passport) -> bool:
    names = ("model", "revision", "dims", "text_template", "text_max_chars")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def refresh(client: Elasticsearch, index: str) -> None:
    """Make what was written searchable; failures are ignored, as Elasticsearch refreshes later."""
    with contextlib.suppress(ElasticsearchError), translated(index):
        client.indices.refresh(index=index)
