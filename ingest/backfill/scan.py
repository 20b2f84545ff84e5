"""Every document of an index as it was at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.errors import PointInTimeLost
from es_hybrid.index.pages import read_hits
from es_hybrid.index.passport import Passport
from es_hybrid.records import PRODUCT_FIELDS
from ingest.writing import Patience, patiently

_PAGE = 500
# Seconds to process a page, outages not included.
_PAGE_SECONDS = 300
_HAS_VECTOR = "has_vector"


@dataclass(frozen=True, slots=True)
class ScannedDocument:
    """One document.

    Attributes:
        seq_no: With `primary_term`, identifies its state: every write changes it.
        has_vector: It has a vector. The stored hash does not prove that: a writer that reads a
            document and writes it back drops the vector, which `_source` hides, and keeps the hash.
    """

    id: str
    source: Mapping[str, Any]
    seq_no: int
    primary_term: int
    routing: str | None
    has_vector: bool


class Scan:
    """Iterates over the documents of an index.

    Args:
        slowest: Documents processed per second if that is limited: the point in time must outlive
            the processing of a page.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        passport: Passport,
        *,
        place: str,
        patience: Patience,
        slowest: float | None,
    ) -> None:
        seconds = _PAGE_SECONDS + patience.max_outage + (2 * _PAGE / slowest if slowest else 0)
        fields = dict(passport.shop.fields).values() if passport.shop else _product_fields()
        has_vector = {"exists": {"field": passport.vector_field, "_name": _HAS_VECTOR}}
        self._hits = partial(
            read_hits,
            client.options(max_retries=0, retry_on_status=()),
            index,
            size=_PAGE,
            keep_alive=f"{int(seconds)}s",
            ask=partial(patiently, patience=patience, place=place),
            source={"includes": [*fields, passport.hash_field]},
            query={"bool": {"must": [{"match_all": {}}], "should": [has_vector]}},
            seq_no_primary_term=True,
        )
        self.complete = False

    def __iter__(self) -> Iterator[ScannedDocument]:
        """The documents. Afterwards, `complete` tells whether the scan reached the last one.

        Raises:
            Outage: the cluster stayed unavailable.
            ElasticsearchError: the cluster refuses.
        """
        self.complete = False
        try:
            yield from map(_scanned, self._hits())
        except PointInTimeLost:  # a node that held a part of it is gone
            return
        self.complete = True


def _product_fields() -> Iterator[str]:
    return (name for name in PRODUCT_FIELDS if name != "id")


def _scanned(hit: Mapping[str, Any]) -> ScannedDocument:
    return ScannedDocument(
        id=hit["_id"],
        source=hit.get("_source", {}),
        seq_no=hit["_seq_no"],
        primary_term=hit["_primary_term"],
        routing=hit.get("_routing"),
        has_vector=_HAS_VECTOR in hit.get("matched_queries", ()),
    )
