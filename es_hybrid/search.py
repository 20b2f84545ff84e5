"""`HybridSearch` and `AsyncHybridSearch`: a shop's search over one index.

Both run the same generators; they differ in how they wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, closing
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from elasticsearch import AsyncElasticsearch, Elasticsearch

from es_hybrid.client import connect, connect_async
from es_hybrid.drive.driver import AsyncDriver, Driver, Timings
from es_hybrid.drive.parts import Parts
from es_hybrid.drive.queries import QueryEmbedder
from es_hybrid.drive.send import async_sender, sender
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import InvalidRequest
from es_hybrid.events import Record, open_recorder, watched
from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
from es_hybrid.reranking import Reranker, open_reranker
from es_hybrid.retrieval import engine
from es_hybrid.retrieval.context import Context, read_passport
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import (
    Retrieved,
    SearchResponse,
    Stages,
    present,
    timings_of,
)
from es_hybrid.retrieval.similar import SimilarRequest, SimilarResponse, similar
from es_hybrid.settings import Settings
from es_hybrid.suggesting.engine import DEFAULT_SIZE, suggest
from es_hybrid.suggesting.suggestion import Suggestion
from es_hybrid.understanding.synonym_file import open_synonyms

if TYPE_CHECKING:
    from es_hybrid.events.recorder import Recorder

__all__ = ["AsyncHybridSearch", "HybridSearch"]

Request = TypeVar("Request", SearchRequest, SimilarRequest)


class _Base:
    """What the two share: everything but the waiting."""

    def __init__(
        self, *, index: str, embedder: Embedder, reranker: Reranker | None, settings: Settings
    ) -> None:
        self._settings = settings
        self._context = Context(
            index=index,
            settings=settings,
            synonyms=open_synonyms(settings.search.synonyms),
            reranks=reranker is not None,
        )
        embed = QueryEmbedder(embedder, settings.embedding, wait_for_canaries=True)
        self._parts = Parts(embed, reranker, settings)
        self._recorder: Recorder | None = None  # only in what `open` opened

    @property
    def reranks(self) -> bool:
        """Whether a reranker is configured."""
        return self._context.reranks

    def _watched(self, request: SearchRequest) -> AbstractContextManager[Record]:
        return watched(self._recorder, request, index=self._context.index)

    def _seconds(self, timeout_ms: int | None) -> float | None:
        chosen = self._settings.search.timeout_ms if timeout_ms is None else timeout_ms
        return chosen / 1000 if chosen else None


class HybridSearch(_Base):
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
        """Read the passport of the index. The caller closes client, embedder and reranker.

        Raises:
            SettingsError: the file of synonyms cannot be read.
            RequestRefused: there is no such index.
            IndexStateError: the index has no passport.
            ElasticsearchError: the cluster cannot be reached.
        """
        super().__init__(
            index=index, embedder=embedder, reranker=reranker, settings=settings or Settings()
        )
        self._opened = ExitStack()  # what `open` opened
        self._driver = Driver(sender(client), self._parts)
        self._driver.run(read_passport(self._context))

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """A search whose parts are all made from the settings; `close` closes them.

        Its searches are recorded if `events.enabled` is set.

        Raises:
            EsHybridError: a part is unavailable.
        """
        with ExitStack() as opened:
            client = opened.enter_context(closing(connect(settings.elasticsearch)))
            embedder, reranker = _open_models(settings, opened)
            search = cls(
                client,
                index=settings.index.name,
                embedder=embedder,
                reranker=reranker,
                settings=settings,
            )
            if recorder := open_recorder(settings):
                search._recorder = opened.enter_context(closing(recorder))
            search._opened = opened.pop_all()
        return search

    def with_rule(self, id_: str, rule: Rule | None) -> Self:
        """The same search, in which a rule applies in this form, at any time; not stored anywhere.

        Args:
            id_: Of the rule that it replaces, if that is live.
            rule: None to search without it.
        """
        version = None
        if rule is not None:
            rule = rule.model_copy(update={"valid_from": None, "valid_until": None})
            version = RuleVersion(
                rule=rule, version=0, author="", changed=datetime.now(UTC), approved_by=""
            )
        trying = copy(self)
        trying._recorder = None
        trial = {**self._context.trial, id_: version}
        trying._context = replace(self._context, trial=trial)
        return trying

    def search(self, query: str | SearchRequest, **options: Any) -> SearchResponse:
        """Find products for a shopper's words.

        If the embedder fails or is too slow, a hybrid search returns the lexical leg alone; if the
        reranker does, the fused order. `degraded` reports it.

        Args:
            query: The words, or a whole request.
            options: Fields of `SearchRequest`, e.g. `filters`, `facets`, `page`, `timeout_ms`.

        Raises:
            InvalidRequest: the request cannot be answered.
            ElasticsearchError: the cluster fails, is too slow, or refuses a field.
            EmbeddingError: no vector, in mode `knn`.
            PassportMismatch: the vectors of the index come from another model.
        """
        request = _search_request(query, options)
        with self._watched(request) as record:
            retrieved, timings = self._searched(request)
            record(retrieved, timings)
        return present(request, retrieved, timings)

    def search_in_stages(
        self, query: str | SearchRequest, **options: Any
    ) -> tuple[SearchResponse, Stages]:
        """As `search`, with everything that each stage ranked, also what is not on the page.

        For evaluation: one search shows what its legs, their fusion and the reranker return. It is
        not recorded.
        """
        request = _search_request(query, options)
        retrieved, timings = self._searched(request, replace(self._context, stages_in_full=True))
        return present(request, retrieved, timings), retrieved.read_whole_stages()

    def _searched(
        self, request: SearchRequest, context: Context | None = None
    ) -> tuple[Retrieved, Timings]:
        search = engine.shop_search(request, context or self._context)
        return self._driver.run(search, timeout=self._seconds(request.timeout_ms))

    def suggest(self, text: str, *, size: int = DEFAULT_SIZE) -> list[Suggestion]:
        """Suggest brands, categories and products for the beginning of a query.

        Args:
            text: What was typed so far, at most 100 characters.
            size: Number of suggestions, 1 to 20.

        Raises:
            InvalidRequest: text or size is out of range.
            ElasticsearchError: the cluster fails or is too slow.
        """
        suggesting = suggest(text, size, self._context)
        return self._driver.run(suggesting, timeout=self._seconds(None))[0]

    def similar(self, ids: str | Sequence[str], **options: Any) -> SimilarResponse:
        """Find products like the given ones, for the shelf on a product's page.

        The products themselves and their variants are not shown, and one of each group.

        Args:
            ids: A product of the index, or up to 20.
            options: Fields of `SimilarRequest`: `filters`, `size`, `collapse`, `timeout_ms`.

        Raises:
            InvalidRequest: the request cannot be answered.
            RequestRefused: status 404, naming the ids that the index does not have.
            ElasticsearchError: the cluster fails, is too slow, or refuses a field.
        """
        request = _similar_request(ids, options)
        finding = similar(request, self._context)
        found, timings = self._driver.run(finding, timeout=self._seconds(request.timeout_ms))
        return replace(found, timings=timings_of(timings))

    def answer(
        self,
        body: Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> Retrieved:
        """Answer a `_search` body with a `retriever` or `ext.es_hybrid`; see docs/retrievers.md.

        Args:
            params: Query-string parameters.
            timeout_ms: Milliseconds for the whole search; 0: no limit. Default:
                `search.timeout_ms`.

        Raises:
            RequestRefused: with Elasticsearch's own error.
            ElasticsearchError: the cluster fails or is too slow.
            EmbeddingError: no vector, and nothing is left without it.
        """
        search = engine.answer(body, self._context, params)
        return self._driver.run(search, timeout=self._seconds(timeout_ms))[0]

    def retrieve(self, retriever: Mapping[str, Any], **body: Any) -> Retrieved:
        """Run a retriever tree; `body` holds further body options, as `size=20`. See `answer`."""
        return self.answer({"retriever": retriever, **body})

    def close(self) -> None:
        """Close what `open` made."""
        self._parts.close()
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncHybridSearch(_Base):
    """As `HybridSearch`, for asyncio. Never blocks the event loop: models run in threads.

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
        """Send no request yet: the first search reads the passport of the index.

        Raises:
            SettingsError: the file of synonyms cannot be read.
        """
        super().__init__(
            index=index, embedder=embedder, reranker=reranker, settings=settings or Settings()
        )
        self._opened = AsyncExitStack()  # what `open` opened
        self._driver = AsyncDriver(async_sender(client), self._parts)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """See `HybridSearch.open`; blocks while a reranker is loaded."""
        with ExitStack() as opened:
            embedder, reranker = _open_models(settings, opened)
            client = connect_async(settings.elasticsearch)
            search = cls(
                client,
                index=settings.index.name,
                embedder=embedder,
                reranker=reranker,
                settings=settings,
            )
            search._opened.push_async_callback(client.close)
            if recorder := open_recorder(settings):
                search._recorder = recorder
                search._opened.push_async_callback(asyncio.to_thread, recorder.close)
            search._opened.enter_context(opened.pop_all())
        return search

    async def search(self, query: str | SearchRequest, **options: Any) -> SearchResponse:
        """See `HybridSearch.search`; also raises what its constructor raises."""
        request = _search_request(query, options)
        search = engine.shop_search(request, self._context)
        with self._watched(request) as record:
            retrieved, timings = await self._driver.run(
                search, timeout=self._seconds(request.timeout_ms)
            )
            record(retrieved, timings)
        return present(request, retrieved, timings)

    async def suggest(self, text: str, *, size: int = DEFAULT_SIZE) -> list[Suggestion]:
        """See `HybridSearch.suggest`."""
        suggesting = suggest(text, size, self._context)
        return (await self._driver.run(suggesting, timeout=self._seconds(None)))[0]

    async def similar(self, ids: str | Sequence[str], **options: Any) -> SimilarResponse:
        """See `HybridSearch.similar`."""
        request = _similar_request(ids, options)
        finding = similar(request, self._context)
        seconds = self._seconds(request.timeout_ms)
        found, timings = await self._driver.run(finding, timeout=seconds)
        return replace(found, timings=timings_of(timings))

    async def answer(
        self,
        body: Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> Retrieved:
        """See `HybridSearch.answer`."""
        search = engine.answer(body, self._context, params)
        return (await self._driver.run(search, timeout=self._seconds(timeout_ms)))[0]

    async def retrieve(self, retriever: Mapping[str, Any], **body: Any) -> Retrieved:
        """See `HybridSearch.retrieve`."""
        return await self.answer({"retriever": retriever, **body})

    async def close(self) -> None:
        """Close what `open` made."""
        self._parts.close()
        await self._opened.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _open_models(settings: Settings, opened: ExitStack) -> tuple[Embedder, Reranker | None]:
    """The configured embedder and reranker, closed with `opened`."""
    embedder = opened.enter_context(closing(open_embedder(settings.embedding)))
    reranker = open_reranker(settings.rerank)
    if reranker is not None:
        opened.enter_context(closing(reranker))
    return embedder, reranker


def _search_request(query: str | SearchRequest, options: Mapping[str, Any]) -> SearchRequest:
    if isinstance(query, SearchRequest):
        _check(SearchRequest, options)
        return replace(query, **options) if options else query
    return _request(SearchRequest, {"text": query, **options})


def _similar_request(ids: str | Sequence[str], options: Mapping[str, Any]) -> SimilarRequest:
    return _request(SimilarRequest, {**options, "ids": [ids] if isinstance(ids, str) else ids})


def _request(kind: type[Request], options: Mapping[str, Any]) -> Request:
    _check(kind, options)
    return kind(**options)


def _check(kind: type[SearchRequest | SimilarRequest], options: Mapping[str, Any]) -> None:
    if unknown := options.keys() - kind.__dataclass_fields__.keys():
        raise InvalidRequest(
            f"unknown option {', '.join(sorted(unknown))}",
            place="search",
            remedy=f"use the fields of {kind.__name__}",
        )
