"""What is loaded into: the index, opened and checked, or made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from elasticsearch import Elasticsearch

from es_hybrid.client import connect, resolve_url, server_version, translated
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

# Versions of loads are microseconds since 1970: 10^15 was in 2001. A feed's own dates are in
# milliseconds, and numbers that count up stay far below.
_FIRST_OF_LOADS = 10**15


@dataclass(frozen=True, slots=True)
class Target:
    """An open index, with what workers must know about it."""

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
    """Connect, and open the index of the settings or make it.

    Args:
        reuse_vectors_from: An index whose vectors may be taken over. Unset: the one that the
            alias stands for, where the index is another version of it.
        begins: It is known of no document yet that it is there.
        say: Takes a line about what was decided here.

    Raises:
        EsHybridError: something is wrong as a whole.
    """
    with (
        closing(connect(settings.elasticsearch)) as client,
        closing(open_embedder(settings.embedding)) as embedder,
    ):
        with translated(resolve_url(settings.elasticsearch)):
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
        hash_field=passport.hash_field,
        feed_versions=feed_versions,
        whole_documents=_hides_fields(client, index, say),
    )
    return WorkerSpec(
        settings=settings,
        index=index,
        passport=passport,
        rules=rules,
        fresh=fresh,
        packs_vectors=server_version(client) >= PACKED_VECTORS_SINCE,
    )


def _opened_index(
    client: Elasticsearch, settings: Settings, embedder: Embedder, say: Callable[[str], None]
) -> Passport:
    index = settings.index.name
    if not client.indices.exists(index=index):
        name, passport = create_version(client, settings, embedder)
        made = name if name == index else f"{name} behind the alias {index}"
        say(f"made index {made}: {passport.dims} dims of {passport.model}")
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
    """Whether there are no documents, also none that a search cannot see yet."""
    client.indices.refresh(index=index)
    return int(client.count(index=index)["count"]) == 0


def _hides_fields(client: Elasticsearch, index: str, say: Callable[[str], None]) -> bool:
    """Whether a partial write would lose what `_source` does not show."""
    filters = [mapping.get("_source", {}) for mapping in read_mappings(client, index).values()]
    if not any(f.get("excludes") or f.get("includes") for f in filters):
        return False
    say(
        f"index {index}: its mapping hides fields from _source, so that documents cannot be "
        "changed in part: each changed row is embedded and written whole"
    )
    return True


def _check_versions(client: Elasticsearch, index: str) -> None:
    """Refuse feed versions where the versions of loads are: every row would be the older one.

    Raises:
        IndexStateError: the index was loaded without them.
    """
    hits = client.search(index=index, size=1, version=True, source=False)["hits"]["hits"]
    if hits and hits[0]["_version"] >= _FIRST_OF_LOADS:
        raise IndexStateError(
            "its documents carry the versions of loads, higher than any of the feed",
            place=f"index {index}",
            remedy="load into a new index, or leave out ingest.fields.version",
        )


def _vectors_to_reuse(
    client: Elasticsearch,
    index: str,
    passport: Passport,
    named: str | None,
    say: Callable[[str], None],
) -> VectorSource | None:
    """The index whose vectors are taken over, if it holds the same model's of the same texts.

    Raises:
        IndexStateError: one was named that does not.
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
                remedy="leave out --reuse-vectors-from: they cannot be taken over",
            )
        return None
    say(f"vectors of unchanged texts are taken over from {source}")
    return VectorSource(source, other.vector_field, other.hash_field)


def _same_vectors(one: Passport, other: Passport) -> bool:
    names = ("model", "revision", "dims", "text_template", "text_max_chars")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def refresh(client: Elasticsearch, index: str) -> None:
    """Let searches see what was written; best effort, since Elasticsearch does it in time."""
    with contextlib.suppress(ElasticsearchError), translated(index):
        client.indices.refresh(index=index)
