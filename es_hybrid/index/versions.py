"""Versions behind an alias: `products` stands for one of `products-v0001`, `products-v0002`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import IndexStateError
from es_hybrid.index.lifecycle import create_index
from es_hybrid.index.meta import former_of
from es_hybrid.index.passport import Passport, passports_of
from es_hybrid.settings import Settings

_VERSION = re.compile(r"(?P<alias>.+)-v(?P<number>\d{4,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One index of an alias.

    Attributes:
        documents: All of them, refreshed or not yet seen by searches.
        with_vector: Those that have one.
        live: The alias stands for it.
        former: `rollback` goes back to it.
        aliases: Every name it has beside its own.
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
        """Share of the documents that have a vector, in [0, 1]."""
        return self.with_vector / self.documents if self.documents else 0.0


def version_name(alias: str, number: int) -> str:
    """`products-v0007`."""
    return f"{alias}-v{number:04d}"


def alias_of(version: str) -> str | None:
    """`products` of `products-v0007`; None of a name that is no version's."""
    match = _VERSION.fullmatch(version)
    return match["alias"] if match else None


def version_names(client: Elasticsearch, alias: str) -> list[str]:
    """The versions there are, oldest first."""
    found = client.indices.get(index=f"{alias}-v*", features=["aliases"], expand_wildcards="all")
    numbers = {name: match for name in found if (match := _VERSION.fullmatch(name))}
    versions = (name for name, match in numbers.items() if match["alias"] == alias)
    return sorted(versions, key=lambda name: int(numbers[name]["number"]))


def create_version(
    client: Elasticsearch, settings: Settings, embedder: Embedder
) -> tuple[str, Passport]:
    """Make the next version of `index.name`: its name and its passport.

    The first one gets the alias at once; a later one when it is promoted. A name that is a
    version's already is made as it stands.

    Raises:
        IndexStateError: an index has the alias's name, or the cluster refuses the body.
        EmbeddingError: the embedder cannot tell its dims or embed the canaries.
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
    """The index that an alias stands for; None where there is no such name.

    Raises:
        IndexStateError: an index has that name, or the alias stands for several.
    """
    if not client.indices.exists(index=alias):
        return None
    found = sorted(client.indices.get(index=alias, features=["aliases"]))
    if found == [alias]:
        raise IndexStateError(
            "an index has this name, so no alias can take it",
            place=f"index {alias}",
            remedy=f"name another alias: --index {alias}-live, and let searches ask that",
        )
    if len(found) > 1:
        raise IndexStateError(
            f"the alias stands for {len(found)} indices: {', '.join(found)}",
            place=f"index {alias}",
            remedy="leave it one of them",
        )
    return found[0]


def list_versions(client: Elasticsearch, alias: str) -> list[Version]:
    """Every version, and whatever else the alias stands for or stood for; oldest first.

    Raises:
        IndexStateError: as `live_index`, or there is none.
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
            remedy="make it with `es-hybrid index create`, or load into it",
        )
    return [_described(client, name, live=live, former=former) for name in names]


def superfluous(versions: Sequence[Version], keep: int) -> list[Version]:
    """Those that `prune` deletes: all but the `keep` newest, and never one that may be needed.

    The live one stays, and the one to go back to, any that has another alias, and those newer than
    the live one, which someone may be loading into.
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
    made = int(index["settings"]["index"]["creation_date"]) / 1000
    return Version(
        name=name,
        created=datetime.fromtimestamp(made, UTC),
        documents=answer["hits"]["total"]["value"],
        with_vector=answer["aggregations"]["vectors"]["doc_count"] if field else 0,
        size_bytes=stats["store"]["size_in_bytes"],
        model=", ".join(passport.model for passport in passports),
        live=name == live,
        former=name == former,
        aliases=tuple(sorted(index["aliases"])),
    )
