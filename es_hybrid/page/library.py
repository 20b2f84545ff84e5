"""What the tabs ask of the library."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.records import PairOutcome
from es_hybrid.client import connect
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.language import detect
from es_hybrid.reranking import Reranker, open_reranker, required_reranker, score_within
from es_hybrid.retrieval.response import Hit, SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings

__all__ = ["COMPARED", "Asked", "Candidate", "Library", "Reranked"]

COMPARED = 100
"""Hits of a search that are held side by side."""

# Hits on a page when one of them is explained.
_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One candidate, scored.

    Attributes:
        score: In [0, 1]; None where time ran out.
        decision: By the thresholds of alignment; None without a score.
        language: Two letters, or empty where nothing tells it.
    """

    rank: int
    text: str
    score: float | None
    decision: PairOutcome | None
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """Candidates, best first, and what should be known of the order.

    Attributes:
        milliseconds: For the scoring alone.
        misfit: Why the model may not be right for these texts, or None.
        provider: Where the model ran, if it fell back from `wanted`; else None.
    """

    query: str
    candidates: Sequence[Candidate]
    milliseconds: float
    misfit: str | None
    provider: str | None
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A search as the page asks it; see `SearchRequest`."""

    text: str
    filters: Mapping[str, Any]
    selected: Mapping[str, Sequence[str]]
    rerank: bool


class Library:
    """The parts of one page, each made when it is first needed. Safe from several threads.

    A part that cannot be had is tried again with the next call: the page outlives a cluster that
    is down.

    Args:
        embedder: By default made by the settings; one that is given stays the caller's to close.
        reranker: By default made by the settings.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.settings = settings
        self._embedder = embedder
        self._reranker = reranker
        self._shop: HybridSearch | None = None
        self._own = contextlib.ExitStack()
        self._lock = threading.RLock()

    def rerank(self, query: str, texts: Sequence[str], category: str) -> Reranked:
        """Score texts against a query, best first.

        Raises:
            EsHybridError: no reranker, or it cannot score.
        """
        settings = self.settings.rerank
        reranker = self._required_reranker()
        instruction = settings.instruction_for(category)
        seconds = self.settings.serve.rerank_seconds
        scored = score_within(reranker, query, texts, instruction, seconds=seconds)
        fell_back = getattr(reranker, "fell_back", False)
        return Reranked(
            query=query,
            candidates=[
                self._candidate(rank, text, score, category)
                for rank, (text, score) in enumerate(scored.ranked(), 1)
            ],
            milliseconds=scored.milliseconds,
            misfit=scored.misfit(),
            provider=getattr(reranker, "provider", None) if fell_back else None,
            wanted=settings.provider,
        )

    def search(self, asked: Asked) -> SearchResponse:
        """The best hits with the rank and score of every stage, `COMPARED` of them at most.

        Raises:
            EsHybridError: as `HybridSearch.search`.
        """
        return self._search(asked, size=min(self.settings.search.window, COMPARED))

    def explain(self, asked: Asked, hit_id: str, rank: int) -> Hit | None:
        """A hit with its explanation; None where the index has changed and it is gone.

        Args:
            rank: Where the search had it, from 1.
        """
        page = (rank - 1) // _PAGE + 1
        found = self._search(asked, size=_PAGE, page=page, explain=True)
        return next((hit for hit in found.hits if hit.id == hit_id), None)

    def reviews(self) -> ReviewStore:
        """The queue of the alignment.

        Raises:
            AlignError: there is none yet.
        """
        return ReviewStore(self.settings.align.store)

    def close(self) -> None:
        """Close what was made here."""
        self._own.close()

    def _search(self, asked: Asked, **options: Any) -> SearchResponse:
        return self._open_shop().search(
            asked.text,
            filters=asked.filters,
            selected=asked.selected,
            facets=self.settings.page.facets,
            rerank=asked.rerank,
            **options,
        )

    def _candidate(self, rank: int, text: str, score: float, category: str) -> Candidate:
        scored = None if math.isnan(score) else score
        return Candidate(
            rank=rank,
            text=text,
            score=scored,
            decision=None if scored is None else self._decide(scored, category),
            language=detect(text),
        )

    def _decide(self, score: float, category: str) -> PairOutcome:
        return self.settings.align.thresholds_of(category).outcome(score)

    def _open_shop(self) -> HybridSearch:
        with self._lock:
            if self._shop is None:
                self._shop = self._make_shop()
            return self._shop

    def _make_shop(self) -> HybridSearch:
        if self._embedder is None:
            self._embedder = open_embedder(self.settings.embedding)
            self._own.callback(self._embedder.close)
        if self._reranker is None and (opened := open_reranker(self.settings.rerank)):
            self._own.callback(opened.close)
            self._reranker = opened
        with contextlib.ExitStack() as client_or_none:
            client = connect(self.settings.elasticsearch)
            client_or_none.callback(client.close)
            shop = HybridSearch(
                client,
                index=self.settings.index.name,
                embedder=self._embedder,
                reranker=self._reranker,
                settings=self.settings,
            )
            self._own.push(client_or_none.pop_all())
        self._own.callback(shop.close)
        return shop

    def _required_reranker(self) -> Reranker:
        with self._lock:
            if self._reranker is None:
                self._reranker = required_reranker(self.settings.rerank)
                self._own.callback(self._reranker.close)
            return self._reranker
