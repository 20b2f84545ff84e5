"""Both sides of a run, and the resources they share: cluster, embedder, vectors."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.align.blocking import Embedded
from es_hybrid.align.engine import OnProgress
from es_hybrid.align.journal import Journal
from es_hybrid.align.vectors import ProductVectors
from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import AlignError
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.passport import Passport, check_identity
from es_hybrid.records import Product
from es_hybrid.settings import Settings
from es_hybrid.waiting import Patience
from ingest.align.catalogue import index_of, stored_products

__all__ = ["AlignResources", "FileSide", "IndexSide", "Side"]


@dataclass
class FileSide:
    """Products read from sources, embedded on first use."""

    products: Sequence[Product]
    vectors: ProductVectors
    _embedded: list[Embedded] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of products."""
        return len(self.products)

    @cached_property
    def fingerprint(self) -> str:
        """A text that changes with any product."""
        digest = hashlib.sha256()
        for product in self.products:
            digest.update(orjson.dumps(product, option=orjson.OPT_SORT_KEYS))
        return f"{self.count} products, sha256:{digest.hexdigest()}"

    def embedded(self, progress: OnProgress) -> Iterator[Embedded]:
        """The products with their vectors."""
        if not self._embedded:
            done = 0

            def count(more: int) -> None:
                nonlocal done
                done += more
                progress("embedding", done, self.count)

            self._embedded = self.vectors.embedded(self.products, count)
        yield from self._embedded


@dataclass
class IndexSide:
    """Products of an index, with their vectors."""

    index: str
    passport: Passport
    client: Elasticsearch
    vectors: ProductVectors
    place: str

    @cached_property
    def count(self) -> int:
        """The number of products with a vector."""
        query = {"exists": {"field": self.passport.vector_field}}
        with translated(self.place):
            return int(self.client.count(index=self.index, query=query)["count"])

    @cached_property
    def fingerprint(self) -> str:
        """A text that changes with every write to the index."""
        with translated(self.place):
            shards = self.client.indices.stats(
                index=self.index, metric="docs", level="shards", filter_path="indices.*.shards"
            )["indices"]
        written = {
            f"{name}/{number}": max(copy["seq_no"]["max_seq_no"] for copy in copies)
            for name, index in shards.items()
            for number, copies in index["shards"].items()
        }
        return f"{self.index} at {orjson.dumps(written, option=orjson.OPT_SORT_KEYS).decode()}"

    def embedded(self, progress: OnProgress) -> Iterator[Embedded]:
        """The products with their vectors, read on demand."""
        return stored_products(
            self.client, self.index, self.passport, self.vectors, place=self.place
        )


Side = FileSide | IndexSide


class AlignResources:
    """The resources that both sides need, opened once."""

    def __init__(
        self,
        client: Elasticsearch,
        embedder: Embedder,
        vectors: ProductVectors,
        passports: dict[str, Passport],
        place: str,
    ) -> None:
        self.client = client
        self.embedder = embedder
        self.vectors = vectors
        self._passports = passports
        self._place = place

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, settings: Settings, journal: Journal, names: Sequence[str]
    ) -> Iterator[AlignResources]:
        """Open the resources for the named sides.

        Raises:
            PassportMismatch: an index was written with another embedder.
            AlignError: two indices embed different texts.
        """
        place = resolve_url(settings.elasticsearch)
        with (
            closing(connect(settings.elasticsearch)) as client,
            closing(open_embedder(settings.embedding)) as embedder,
        ):
            indices = {index for index in map(index_of, names) if index and index != "self"}
            with translated(place):
                passports = {index: open_index(client, index) for index in sorted(indices)}
            for index, passport in passports.items():
                check_identity(passport, embedder.identity, index=index)
            template, max_chars = _text_of(settings, passports)
            vectors = ProductVectors(
                embedder,
                journal,
                template=template,
                max_chars=max_chars,
                patience=Patience(settings.ingest.max_outage_s),
            )
            yield cls(client, embedder, vectors, passports, place)

    def index_side(self, index: str) -> IndexSide:
        """One of the indices passed to `open`."""
        return IndexSide(index, self._passports[index], self.client, self.vectors, self._place)


def _text_of(settings: Settings, passports: dict[str, Passport]) -> tuple[tuple[str, ...], int]:
    """Template and length of the texts to embed, from an index if there is one."""
    found = {(passport.text_template, passport.text_max_chars) for passport in passports.values()}
    if len(found) > 1:
        raise AlignError(
            f"{' and '.join(passports)} embed different texts: their vectors cannot be compared",
            place="align run",
            remedy="load one of them again with the other's ingest.text_template",
        )
    return found.pop() if found else (
        settings.ingest.text_template, settings.ingest.text_max_chars
    )  # fmt: skip
