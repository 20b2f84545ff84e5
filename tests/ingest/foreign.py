"""A shop's own index, made and written to by code that knows nothing of es-hybrid."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from elasticsearch import ConflictError, Elasticsearch

SHOP_MAPPING: dict[str, Any] = {
    "_meta": {"owner": "shop team", "version": 3},
    "dynamic": "strict",
    "properties": {
        "bezeichnung": {
            "properties": {
                "en": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
                "intern": {"type": "keyword"},
            }
        },
        "marke": {"type": "keyword", "fields": {"suche": {"type": "text"}}},
        "warengruppe": {"type": "keyword"},
        "beschreibung": {"type": "text", "analyzer": "whitespace"},
        "artikelnummer": {"type": "keyword"},
        "preis_cent": {"type": "integer"},
        "bestand": {"type": "integer"},
        "geaendert": {"type": "long"},
    },
}
# What the shop writes into its es-hybrid.toml.
SHOP_FIELDS = {
    "title": "bezeichnung.en",
    "brand": "marke",
    "category": "warengruppe",
    "description": "beschreibung",
    "sku": "artikelnummer",
}


def shop_document(number: int, *, title: str | None = None) -> dict[str, Any]:
    """One article of the shop."""
    return {
        "bezeichnung": {"en": title or f"Article {number} of the shop", "intern": f"int-{number}"},
        "marke": f"Marke {number % 7}",
        "warengruppe": "Haushalt",
        "beschreibung": f"Die <b>{number}.</b> Beschreibung",
        "artikelnummer": f"A-{number:05d}",
        "preis_cent": 100 + number,
        "bestand": 5,
        "geaendert": 0,
    }


def make_shop(es: Elasticsearch, index: str, documents: Sequence[Mapping[str, Any]]) -> None:
    """The shop's index, with ids from `0`."""
    es.indices.create(
        index=index,
        mappings=SHOP_MAPPING,
        settings={"number_of_replicas": 0, "number_of_shards": 2},
    )
    lines: list[Any] = []
    for number, document in enumerate(documents):
        lines += [{"index": {"_id": str(number)}}, document]
    if lines:
        assert not es.bulk(index=index, operations=lines, refresh=True)["errors"]


class ShopWriter:
    """Goes on writing into the shop's index, in every way that shops do, until it is left.

    Attributes:
        expected: What each document must hold in the end; None for a deleted one.
    """

    def __init__(self, es: Elasticsearch, index: str, count: int, *, seed: int) -> None:
        self._es = es
        self._index = index
        self._count = count
        self._random = random.Random(seed)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.expected: dict[str, dict[str, Any] | None] = {}
        self.writes = self.own_conflicts = 0
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _write(self) -> None:
        ways = (self._restock, self._retitle, self._put_back, self._replace, self._delete)
        try:
            while not self._done.is_set():
                self._random.choices(ways, weights=(6, 4, 3, 2, 1))[0](
                    str(self._random.randrange(self._count))
                )
                self.writes += 1
                self._done.wait(0.002)
        except BaseException as error:
            self.error = error

    def _restock(self, id_: str) -> None:
        """A partial update of what is no text."""
        if self._now(id_) is not None:
            self._partial(id_, {"bestand": self._random.randrange(1000), "geaendert": self.writes})

    def _retitle(self, id_: str) -> None:
        """A partial update of the text."""
        if (now := self._now(id_)) is not None:
            title = {**now["bezeichnung"], "en": f"New title {self.writes} of {id_}"}
            self._partial(id_, {"bezeichnung": title, "geaendert": self.writes})

    def _put_back(self, id_: str) -> None:
        """Reads the document, changes it and writes the whole of it back, as carts do."""
        if self._now(id_) is None:
            return
        got = self._es.get(index=self._index, id=id_)
        whole = {**got["_source"], "preis_cent": self._random.randrange(9999)}
        whole["geaendert"] = self.writes
        try:
            self._es.index(
                index=self._index, id=id_, document=whole,
                if_seq_no=got["_seq_no"], if_primary_term=got["_primary_term"],
            )  # fmt: skip
        except ConflictError:  # by the backfill: the shop's own protocol is to try another time
            self.own_conflicts += 1
            return
        self.expected[id_] = {name: whole[name] for name in SHOP_MAPPING["properties"]}

    def _replace(self, id_: str) -> None:
        """A whole document from the shop's own system, also a deleted one again."""
        title = f"Replaced {self.writes} of {id_}"
        document = shop_document(int(id_), title=title) | {"geaendert": self.writes}
        self._es.index(index=self._index, id=id_, document=document)
        self.expected[id_] = document

    def _delete(self, id_: str) -> None:
        if self._now(id_) is not None:
            self._es.delete(index=self._index, id=id_)
            self.expected[id_] = None

    def _partial(self, id_: str, patch: dict[str, Any]) -> None:
        now = self._now(id_)
        assert now is not None
        self._es.update(index=self._index, id=id_, doc=patch, retry_on_conflict=20)
        self.expected[id_] = {**now, **patch}

    def _now(self, id_: str) -> dict[str, Any] | None:
        return self.expected.get(id_, shop_document(int(id_)))
