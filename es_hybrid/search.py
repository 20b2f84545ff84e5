"""`HybridSearch`: a shop's search over one index."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from elasticsearch import Elasticsearch

from es_hybrid.client import connect, translated, url_of
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import EsHybridError
from es_hybrid.index.lifecycle import open_index
from es_hybrid.index.passport import check_identity
from es_hybrid.rerank import Reranker, open_reranker
from es_hybrid.retrieval.filters import Filters
from es_hybrid.retrieval.legs import answers_by_leg
from es_hybrid.retrieval.request import Mode, SearchRequest
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.retrieval.stages import AskLegs, EmbedQuery, Need, ScoreDocuments, search_stages
from es_hybrid.settings import Settings


class HybridSearch:
    """Search one index. Safe to call from several threads.

    >>> with HybridSearch.open(load_settings()) as shop:  # doctest: +SKIP
    ...     for hit in shop.search("chemise d'été légère", filters={"lang": "fr"}).hits:
    ...         print(hit.rank, hit.source["title"])
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        index: str,
        embedder: Embedder,
        reranker: Reranker | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Read the index's passport. The parts stay the caller's to close.

        Raises:
            IndexStateError: no such index, or one without a passport.
            ElasticsearchError: the cluster cannot be reached.
        """
        self._client = client
        self._index = index
        self._embedder = embedder
        self._reranker = reranker
        self._settings = settings or Settings()
        self._place = f"{url_of(client)}, index {index}"
        self._embedder_fits = False
        self._closes_parts = False
        with translated(self._place):
            self._passport = open_index(client, index)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """A search with every part made by the settings, closed by `close`.

        Raises:
            EsHybridError: a part cannot be had.
        """
        client = connect(settings.elasticsearch)
        try:
            search = cls(
                client,
                index=settings.index.name,
                embedder=open_embedder(settings.embedding),
                reranker=open_reranker(settings.rerank),
                settings=settings,
            )
        except EsHybridError:
            client.close()
            raise
        search._closes_parts = True
        return search

    def search(
        self,
        text: str,
        *,
        mode: Mode = "hybrid",
        filters: Filters | None = None,
        facets: Sequence[str] = (),
        page: int = 1,
        size: int = 10,
    ) -> SearchResponse:
        """Find products for a shopper's words. The arguments are those of `SearchRequest`.

        Without its embedding server a hybrid search gives the lexical leg alone, without its
        reranker the fused order; both are said in `degraded`.

        Raises:
            SettingsError: a request that cannot be answered.
            ElasticsearchError: the cluster fails, or refuses a field.
            EmbeddingError: in mode `knn`.
            PassportMismatch: the index's vectors are another model's.
        """
        request = SearchRequest(
            text=text, mode=mode, filters=filters or {}, facets=facets, page=page, size=size
        )
        started = time.perf_counter()
        timings: dict[str, float] = {}
        response = self._drive(request, timings)
        timings["total"] = _milliseconds_since(started)
        return replace(response, timings=timings)

    def close(self) -> None:
        """Close the parts that `open` made."""
        if self._closes_parts:
            self._embedder.close()
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _drive(self, request: SearchRequest, timings: dict[str, float]) -> SearchResponse:
        """Serve the stages' needs one after the other, and time them."""
        stages = search_stages(
            request,
            passport=self._passport,
            settings=self._settings,
            reranks=self._reranker is not None,
        )
        try:
            need = next(stages)
            while True:
                started = time.perf_counter()
                try:
                    result = self._serve(need)
                except EsHybridError as error:
                    need = stages.throw(error)
                else:
                    timings[need.stage] = _milliseconds_since(started)
                    need = stages.send(result)
        except StopIteration as end:
            response: SearchResponse = end.value
            return response

    def _serve(self, need: Need) -> Any:
        match need:
            case EmbedQuery():
                return self._query_vector(need.text)
            case AskLegs():
                return self._ask(need.bodies)
            case ScoreDocuments():
                assert self._reranker is not None
                return self._reranker.score(
                    need.query, need.documents, self._settings.rerank.instruction
                )

    def _query_vector(self, text: str) -> list[float]:
        if not self._embedder_fits:
            # Here and not in the constructor: an embedding server that is down at the start
            # degrades a search like one that goes down later.
            check_identity(self._passport, self._embedder, index=self._index)
            self._embedder_fits = True
        vector: list[float] = self._embedder.embed_query(text).tolist()
        return vector

    def _ask(self, bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        searches = [part for body in bodies.values() for part in ({}, body)]
        with translated(self._place):
            answer = self._client.msearch(index=self._index, searches=searches)
        return answers_by_leg(list(bodies), answer["responses"], place=self._place)


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
