"""Versions behind an alias: `products` points to `products-v0001`, `products-v0002` or a later one.

An alias is switched in one request, which Elasticsearch applies as a whole or not at all. Before
that, the former index is recorded in the `_meta` of the index that takes over. A process killed in
between leaves that record in an index that no search uses yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import IndexStateError
from es_hybrid.index.lifecycle import create_index, read_meta, write_meta
from es_hybrid.index.passport import META_KEY, Passport, passports_of
from es_hybrid.settings import Settings

_VERSION = re.compile(r"(?P<alias>.+)-v(?P<number>\d{4,})")
# Entry of `_meta`: alias -> the index it pointed to before.
_FORMER_KEY = f"{META_KEY}_former"
_ANY_VERSION = "see `es-hybrid index list`; `index promote` accepts any version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One index of an alias.

    Attributes:
        documents: All documents, including those not refreshed yet.
        with_vector: Documents with a vector.
        live: The alias points to it.
        former: `rollback` switches to it.
        aliases: All its aliases.
    """

    name: str
    created: datetime
    documents: int
    with_vector: int
    size_bytes: int
    model: str
    live: bool
    former: bool
    aliases: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """Share of the documents with a vector, in [0, 1]."""
        return self.with_vector / self.documents if self.documents else 0.0


def version_name(alias: str, number: int) -> str:
    """`products-v0007`."""
    return f"{alias}-v{number:04d}"


def alias_of(version: str) -> str | None:
    """`products` for `products-v0007`; None for a name of another form."""
    match = _VERSION.fullmatch(version)
    return match["alias"] if match else None


def version_names(client: Elasticsearch, alias: str) -> list[str]:
    """The existing versions, oldest first."""
    found = client.indices.get(index=f"{alias}-v*", features=["aliases"], expand_wildcards="all")
    numbers = {name: match for name in found if (match := _VERSION.fullmatch(name))}
    versions = (name for name, match in numbers.items() if match["alias"] == alias)
    return sorted(versions, key=lambda name: int(numbers[name]["number"]))


def create_version(
    client: Elasticsearch, settings: Settings, embedder: Embedder
) -> tuple[str, Passport]:
    """Create the next version of `index.name`; returns its name and passport.

    The first version gets the alias immediately, a later one when it is promoted. If `index.name`
    is itself a version's name, that index is created.

    Raises:
        IndexStateError: an index has the alias's name, or the cluster rejects the body.
        EmbeddingError: the embedder cannot report its dims or embed the canaries.
    """
    alias = settings.index.name
    if alias_of(alias):
        return alias, create_index(client, settings, embedder, name=alias)
    live = live_index(client, alias)
    names = version_names(client, alias)
    match = _VERSION.fullmatch(names[-1]) if names else None
    name = version_name(alias, int(match["number"]) + 1 if match else 1)
    passport = create_index(client, settings, embedder, name=name, alias=None if live else alias)
    return name, passport


def live_index(client: Elasticsearch, alias: str) -> str | None:
    """The index that an alias points to; None if the alias does not exist.

    Raises:
        IndexStateError: an index has that name, or the alias points to several.
    """
    if not client.indices.exists(index=alias):
        return None
    found = sorted(client.indices.get(index=alias, features=["aliases"]))
    if found == [alias]:
        raise IndexStateError(
            "an index has this name, so it cannot be an alias",
            place=f"index {alias}",
            remedy=f"use another alias, --index {alias}-live, and point searches to it",
        )
    if len(found) > 1:
        raise IndexStateError(
            f"the alias points to {len(found)} indices: {', '.join(found)}",
            place=f"index {alias}",
            remedy="remove it from all but one",
        )
    return found[0]


def switch(client: Elasticsearch, alias: str, target: str) -> str | None:
    """Point the alias to `target`; returns the index it pointed to before, if any.

    Raises:
        IndexStateError: as in `live_index`.
    """
    live = live_index(client, alias)
    if live == target:
        return live
    properties: dict[str, Any] = {}
    actions: list[dict[str, Any]] = []
    if live is not None:
        record_former(client, target, alias=alias, former=live)
        # Keep the filter and routing of the alias.
        properties = dict(client.indices.get_alias(index=live, name=alias)[live]["aliases"][alias])
        # `must_exist`: fail rather than overwrite a concurrent switch.
        actions = [{"remove": {"index": live, "alias": alias, "must_exist": True}}]
    actions.append({"add": {"index": target, "alias": alias, **properties}})
    client.indices.update_aliases(actions=actions)
    return live


def rollback(client: Elasticsearch, alias: str) -> tuple[str, str]:
    """Point the alias to the index it pointed to before; returns (from, to).

    A second rollback undoes the first: each switch records where it came from.

    Raises:
        IndexStateError: the alias does not exist, or there is nothing to roll back to.
    """
    live = live_index(client, alias)
    former = former_of(client, live, alias=alias) if live else None
    if live is None or former is None:
        raise IndexStateError(
            "nothing was promoted yet, so there is nothing to roll back to",
            place=f"index {alias}",
            remedy=_ANY_VERSION,
        )
    if not client.indices.exists(index=former):
        raise IndexStateError(
            f"the former index {former} no longer exists",
            place=f"index {alias}",
            remedy=_ANY_VERSION,
        )
    switch(client, alias, former)
    return live, former


def record_former(client: Elasticsearch, index: str, *, alias: str, former: str) -> None:
    """Record in an index what an alias pointed to before it points to this one."""
    recorded = read_meta(client, index).get(_FORMER_KEY, {})
    write_meta(client, index, {_FORMER_KEY: {**recorded, alias: former}})


def former_of(client: Elasticsearch, index: str, *, alias: str) -> str | None:
    """What `record_former` recorded, or None."""
    former = read_meta(client, index).get(_FORMER_KEY, {}).get(alias)
    return None if former is None else str(former)


def list_versions(client: Elasticsearch, alias: str) -> list[Version]:
    """Every version and any other index the alias points or pointed to, oldest first.

    Raises:
        IndexStateError: there is none, or as in `live_index`.
    """
    live = live_index(client, alias)
    former = former_of(client, live, alias=alias) if live else None
    names = version_names(client, alias)
    for other in (former, live):
        if other and other not in names and client.indices.exists(index=other):
            names.insert(0, other)
    if not names:
        raise IndexStateError(
            "no such index",
            place=f"index {alias}",
            remedy="create it with `es-hybrid index create`, or load into it",
        )
    return [_described(client, name, live=live, former=former) for name in names]


def superfluous(versions: Sequence[Version], keep: int) -> list[Version]:
    """The versions that `prune` deletes: all but the `keep` newest, except those still in use.

    In use are the live version, the one to roll back to, any with another alias, and those newer
    than the live one, which may be loading.
    """
    live = next((place for place, version in enumerate(versions) if version.live), len(versions))
    old = versions[: max(len(versions) - keep, 0)][:live]
    return [version for version in old if not (version.live or version.former or version.aliases)]


def _described(
    client: Elasticsearch, name: str, *, live: str | None, former: str | None
) -> Version:
    index = client.indices.get(index=name)[name]
    passports = passports_of(index["mappings"])
    client.indices.refresh(index=name)
    field = passports[0].vector_field if passports else None
    answer = client.search(
        index=name,
        size=0,
        track_total_hits=True,
        aggs={"vectors": {"filter": {"exists": {"field": field}}}} if field else None,
    )
    stats = client.indices.stats(index=name, metric="store")["_all"]["primaries"]
    created = int(index["settings"]["index"]["creation_date"]) / 1000
    return Version(
        name=name,
        created=datetime.fromtimestamp(created, UTC),
        documents=answer["hits"]["total"]["value"],
        with_vector=answer["aggregations"]["vectors"]["doc_count"] if field else 0,
        size_bytes=stats["store"]["size_in_bytes"],
        model=", ".join(passport.model for passport in passports),
        live=name == live,
        former=name == former,
        aliases=tuple(sorted(index["aliases"])),
    )
