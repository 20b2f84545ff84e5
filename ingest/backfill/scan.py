"""Every document of an index as it was at one moment, in pages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch, NotFoundError

from es_hybrid.index.passport import Passport
from es_hybrid.records import Product
from ingest.writing import Patience, patiently

_PAGE = 500
# Seconds that a page's documents may take, beside an outage in between.
_PAGE_SECONDS = 300
_HAS_VECTOR = "has_vector"


@dataclass(frozen=True, slots=True)
class Found:
    """One document.

    Attributes:
        seq_no: With `primary_term` what the document has been since; any write changes it.
        has_vector: A vector stands in it. Its hash alone does not say so: who reads a document,
            changes it and writes it back loses the vector, which `_source` does not show, and
            keeps the hash.
    """

    id: str
    source: Mapping[str, Any]
    seq_no: int
    primary_term: int
    routing: str | None
    has_vector: bool


class Scan:
    """Pages through an index on a point in time.

    Args:
        slowest: Documents a second that are taken from it, where that is limited: the point in
            time must live as long as a page takes.
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
        self._client = client.options(max_retries=0, retry_on_status=())
        self._index = index
        self._place = place
        self._patience = patience
        seconds = _PAGE_SECONDS + patience.max_outage + (2 * _PAGE / slowest if slowest else 0)
        self._keep_alive = f"{int(seconds)}s"
        fields = dict(passport.shop.fields).values() if passport.shop else [*_product_fields()]
        self._body: dict[str, Any] = {
            "size": _PAGE,
            "sort": ["_shard_doc"],
            "track_total_hits": False,
            "seq_no_primary_term": True,
            "source": {"includes": [*fields, passport.hash_field]},
            "query": {
                "bool": {
                    "must": [{"match_all": {}}],
                    "should": [{"exists": {"field": passport.vector_field, "_name": _HAS_VECTOR}}],
                }
            },
        }
        self.whole = False

    def __iter__(self) -> Iterator[Found]:
        """The documents. `whole` says afterwards whether the point in time lived to the end.

        Raises:
            Outage: the cluster stays away.
            ElasticsearchError: it refuses.
        """
        self.whole = False
        pit = self._patiently(self._open)
        after: list[Any] | None = None
        try:
            while True:
                answer = self._patiently(partial(self._page, pit, after))
                if answer is None:  # a node that held a part of it is gone
                    return
                hits = answer["hits"]["hits"]
                if not hits:
                    self.whole = True
                    return
                pit, after = answer["pit_id"], hits[-1]["sort"]
                yield from map(_found, hits)
        finally:
            with contextlib.suppress(ApiError, TransportError):
                self._client.close_point_in_time(id=pit)

    def _open(self) -> str:
        opened = self._client.open_point_in_time(index=self._index, keep_alive=self._keep_alive)
        return str(opened["id"])

    def _page(self, pit: str, after: list[Any] | None) -> Mapping[str, Any] | None:
        try:
            answer = self._client.search(
                pit={"id": pit, "keep_alive": self._keep_alive}, search_after=after, **self._body
            )
        except NotFoundError:
            return None
        return dict(answer)

    def _patiently(self, request: Any) -> Any:
        return patiently(request, self._patience, place=self._place)


def _product_fields() -> Iterator[str]:
    return (name for name in Product.__dataclass_fields__ if name != "id")


def _found(hit: Mapping[str, Any]) -> Found:
    return Found(
        id=hit["_id"],
        source=hit.get("_source", {}),
        seq_no=hit["_seq_no"],
        primary_term=hit["_primary_term"],
        routing=hit.get("_routing"),
        has_vector=_HAS_VECTOR in hit.get("matched_queries", ()),
    )
