"""`HybridSearch` and `AsyncHybridSearch`: a shop's search over one index.

Both run the same generators; they differ in how they wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, Unpack

from elasticsearch import AsyncElasticsearch, Elasticsearch

from es_hybrid.client import connect, connect_async
from es_hybrid.drive import AsyncDriver, Driver, Parts
from es_hybrid.drive.send import async_sender, sender
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import EsHybridError
from es_hybrid.index.document import numbers_of
from es_hybrid.index.fit import Fit
from es_hybrid.index.passport import Passport
from es_hybrid.reranking import Reranker, open_reranker
from es_hybrid.retrieval.answer import answer
from es_hybrid.retrieval.engine import Search
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.present import present
from es_hybrid.retrieval.request import SearchOptions, SearchRequest
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.retrieval.retrieved import Retrieved
from es_hybrid.retrieval.shop_search import read_passport, shop_search
from es_hybrid.retrieval.vector_fields import VectorFields
from es_hybrid.settings import Settings

__all__ = ["AsyncHybridSearch", "HybridSearch"]


class _Searches:
    """What the two have in common: everything but the waiting."""

    def __init__(
        self, *, index: str, embedder: Embedder, reranker: Reranker | None, settings: Settings
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._fit = Fit(embedder)
        self._expected: Passport | None = None
        self._reranker = reranker
        self._reranks = reranker is not None
        self._settings = settings
        self._abilities = Abilities()
        self._known: dict[str, VectorFields] = {}
        self._parts = Parts(self._embed, reranker, settings)
        self._closes_parts = False

    @property
    def reranks(self) -> bool:
        """Whether there is a reranker."""
        return self._reranks

    def _of_shop(self, request: SearchRequest) -> Search:
        return shop_search(
            request,
            index=self._index,
            settings=self._settings,
            abilities=self._abilities,
            known=self._known,
            reranks=self._reranks,
            fits=self._expect,
        )

    def _of_language(self, body: Mapping[str, Any], params: Mapping[str, str]) -> Search:
        return answer(
            body,
            index=self._index,
            settings=self._settings,
            abilities=self._abilities,
            known=self._known,
            params=params,
            reranks=self._reranks,
            fits=self._expect,
        )

    def _seconds(self, timeout_ms: int | None) -> float | None:
        chosen = self._settings.search.timeout_ms if timeout_ms is None else timeout_ms
        return chosen / 1000 if chosen else None

    def _expect(self, passport: Passport) -> None:
        """Remember what the vectors must suit. Asking the embedder itself would be waiting."""
        self._expected = passport

    def _embed(self, text: str, seconds: float | None) -> list[float]:
        vector = numbers_of(self._embedder.embed_query(text, timeout=seconds))
        # Here and not at the start: an embedding server that is down then degrades a search like
        # one that goes down later, and only after an answer it is sure to know its dims.
        if self._expected is not None:
            self._fit.check(self._expected, index=self._index)
        return vector


class HybridSearch(_Searches):
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
            RequestRefused: no such index.
            IndexStateError: an index without a passport.
            ElasticsearchError: the cluster cannot be reached.
        """
        super().__init__(
            index=index, embedder=embedder, reranker=reranker, settings=settings or Settings()
        )
        self._client = client
        self._driver = Driver(sender(client), self._parts)
        field = self._settings.index.vector_field
        self._driver.run(read_passport(index, self._known, vector_field=field))

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
        self, text: str, *, timeout_ms: int | None = None, **options: Unpack[SearchOptions]
    ) -> SearchResponse:
        """Find products for a shopper's words. The options are those of `SearchRequest`.

        Without its embedder a hybrid search gives the lexical leg alone, without its reranker the
        fused order, and so when either is too slow; `degraded` says so.

        Args:
            timeout_ms: Milliseconds for the whole; 0: as long as it takes; by default
                `search.timeout_ms`.

        Raises:
            SettingsError: a request that cannot be answered.
            ElasticsearchError: the cluster fails, is too slow, or refuses a field.
            EmbeddingError: in mode `knn`.
            PassportMismatch: the index's vectors are another model's.
        """
        request = SearchRequest(text=text, **options)
        retrieved, timings = self._driver.run(
            self._of_shop(request), timeout=self._seconds(timeout_ms)
        )
        return present(request, retrieved, timings)

    def answer(
        self,
        body: Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> Retrieved:
        """Answer a `_search` body with a `retriever`, or with `ext.es_hybrid`; docs/retrievers.md.

        Args:
            params: Of the query string.
            timeout_ms: As in `search`.

        Raises:
            RequestRefused: as Elasticsearch refuses it, with its own error.
            ElasticsearchError: the cluster fails or is too slow.
            EmbeddingError: no vector, and nothing is left without it.
        """
        search = self._of_language(body, params or {})
        return self._driver.run(search, timeout=self._seconds(timeout_ms))[0]

    def retrieve(self, retriever: Mapping[str, Any], **body: Any) -> Retrieved:
        """Run a retriever tree; `body` is what stands beside it, as `size=20`. See `answer`."""
        return self.answer({"retriever": retriever, **body})

    def close(self) -> None:
        """Close the parts that `open` made."""
        self._parts.close()
        if self._closes_parts:
            self._embedder.close()
            if self._reranker:
                self._reranker.close()
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


class AsyncHybridSearch(_Searches):
    """As `HybridSearch`, for asyncio. The loop is never blocked: encoders score in threads.

    >>> async with AsyncHybridSearch.open(load_settings()) as shop:  # doctest: +SKIP
    ...     response = await shop.search("chemise d'été légère", filters={"lang": "fr"})
    """

    def __init__(
        self,
        client: AsyncElasticsearch,
        *,
        index: str,
        embedder: Embedder,
        reranker: Reranker | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Ask nothing yet: the first search reads the index's passport."""
        super().__init__(
            index=index, embedder=embedder, reranker=reranker, settings=settings or Settings()
        )
        self._client = client
        self._driver = AsyncDriver(async_sender(client), self._parts)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """See `HybridSearch.open`; blocks while a reranker is loaded."""
        search = cls(
            connect_async(settings.elasticsearch),
            index=settings.index.name,
            embedder=open_embedder(settings.embedding),
            reranker=open_reranker(settings.rerank),
            settings=settings,
        )
        search._closes_parts = True
        return search

    async def search(
        self, text: str, *, timeout_ms: int | None = None, **options: Unpack[SearchOptions]
    ) -> SearchResponse:
        """See `HybridSearch.search`; raises what its constructor does, too."""
        request = SearchRequest(text=text, **options)
        retrieved, timings = await self._driver.run(
            self._of_shop(request), timeout=self._seconds(timeout_ms)
        )
        return present(request, retrieved, timings)

    async def answer(
        self,
        body: Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> Retrieved:
        """See `HybridSearch.answer`."""
        search = self._of_language(body, params or {})
        return (await self._driver.run(search, timeout=self._seconds(timeout_ms)))[0]

    async def retrieve(self, retriever: Mapping[str, Any], **body: Any) -> Retrieved:
        """See `HybridSearch.retrieve`."""
        return await self.answer({"retriever": retriever, **body})

    async def close(self) -> None:
        """Close the parts that `open` made."""
        self._parts.close()
        if self._closes_parts:
            self._embedder.close()
            if self._reranker:
                self._reranker.close()
            await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
