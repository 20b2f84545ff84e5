"""The parts of the library that the tabs use."""

from __future__ import annotations

import contextlib
import math
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.align.decisions import ReviewStore
from es_hybrid.align.records import PairOutcome
from es_hybrid.client import connect
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.dry_run import DryRun, dry_run, last_queries
from es_hybrid.evaluation.judging.pool import PoolItem, read_pool
from es_hybrid.evaluation.judging.store import JudgementStore
from es_hybrid.language import detect
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.reranking import Reranker, open_reranker, required_reranker, score_within
from es_hybrid.retrieval.request import ContextValue, SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.suggesting.suggestion import Suggestion

__all__ = ["COMPARED", "Library", "Reranked", "ScoredText"]

COMPARED = 100
"""Number of hits that are compared stage by stage."""

# Bytes read of a log of shoppers' searches, which may have gigabytes.
_TAIL = 4 * 1024 * 1024
# Hits per page when one of them is explained.
_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredText:
    """One scored text.

    Attributes:
        score: In [0, 1]; None if time ran out.
        decision: What the thresholds of alignment make of the score; None without a score.
        language: Two letters, or empty if unknown.
    """

    rank: int
    text: str
    score: float | None
    decision: PairOutcome | None
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """Texts, best first, and notes about their order.

    Attributes:
        milliseconds: Time spent scoring.
        misfit: Why the model may not suit these texts, or None.
        provider: Where the model ran, if it fell back from `wanted`; else None.
    """

    query: str
    candidates: Sequence[ScoredText]
    milliseconds: float
    misfit: str | None
    provider: str | None
    wanted: str


class Library:
    """The parts of one page, each created when first needed. Safe to use from several threads.

    A part that is unavailable is tried again with the next call: the page survives a cluster that
    is down.

    Args:
        embedder: By default created from the settings. The caller closes one that is given.
        reranker: By default created from the settings.
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
        self._client: Elasticsearch | None = None
        self._shop: HybridSearch | None = None
        self._own = contextlib.ExitStack()
        self._lock = threading.RLock()

    def rerank(self, query: str, texts: Sequence[str], category: str) -> Reranked:
        """Score texts against a query, best first.

        Raises:
            EsHybridError: there is no reranker, or it cannot score.
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

    def search(self, request: SearchRequest) -> SearchResponse:
        """The best hits with rank and score of every stage, at most `COMPARED`.

        Raises:
            EsHybridError: as `HybridSearch.search`.
        """
        return self._search(request, size=min(self.settings.search.window, COMPARED))

    def search_as_if(self, request: SearchRequest, rule: Rule) -> SearchResponse:
        """As `search`, as if the rule were live instead of its stored versions.

        Raises:
            EsHybridError: as `HybridSearch.search`.
        """
        shop = self._open_shop().with_rule(rule.id, rule)
        return shop.search(request, size=min(self.settings.search.window, COMPARED))

    def dry_run(
        self, rule: Rule, queries: Sequence[str], context: Mapping[str, ContextValue]
    ) -> list[DryRun]:
        """What the rule changes for each query.

        Raises:
            EsHybridError: as `HybridSearch.search`.
        """
        return list(dry_run(self._open_shop(), rule, queries, context=context))

    def last_queries(self, count: int) -> list[str]:
        """What shoppers asked last, by the ends of the last two logs; nothing without texts.

        Raises:
            EvaluationError: a log cannot be read.
        """
        settings = self.settings.experiment
        if settings.log is None or settings.hash_key:
            return []
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as tail:
            for path in sorted(settings.log.glob("ubi-*.jsonl"))[-2:]:
                tail.write(_end_of(path))
            tail.flush()
            return last_queries([Path(tail.name)], count, lambda _: None)

    def suggest(self, text: str) -> list[Suggestion]:
        """Suggestions for the beginning of a query.

        Raises:
            EsHybridError: as `HybridSearch.suggest`.
        """
        return self._open_shop().suggest(text)

    def explain(self, request: SearchRequest, hit_id: str, rank: int) -> Hit | None:
        """A hit with its explanation; None if the index has changed and it is gone.

        Args:
            rank: Its rank in the search, from 1.
        """
        page = (rank - 1) // _PAGE + 1
        found = self._search(request, size=_PAGE, page=page, explain=True, floor=False)
        return next((hit for hit in found.hits if hit.id == hit_id), None)

    def reviews(self, *, of_values: bool = False) -> ReviewStore:
        """The queue of the alignment, or that of facet values.

        Raises:
            AlignError: there is none yet.
        """
        align = self.settings.align
        return ReviewStore(align.values_store if of_values else align.store)

    def pool(self) -> list[PoolItem]:
        """The results to judge.

        Raises:
            EvaluationError: there are none yet, or the file is damaged.
        """
        return read_pool(self.settings.judge.pool)

    def judgements(self) -> JudgementStore:
        """The judgements of people."""
        return JudgementStore(self.settings.judge.judgements)

    def rules(self) -> RuleStore:
        """The merchandising rules.

        Raises:
            ElasticsearchError: the URL of the cluster is invalid.
        """
        return RuleStore(self._open_client())

    def close(self) -> None:
        """Close the parts created here."""
        self._own.close()

    def _search(self, request: SearchRequest, **options: Any) -> SearchResponse:
        return self._open_shop().search(request, facets=self.settings.page.facets, **options)

    def _candidate(self, rank: int, text: str, score: float, category: str) -> ScoredText:
        scored = None if math.isnan(score) else score
        return ScoredText(
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
        shop = HybridSearch(
            self._open_client(),
            index=self.settings.index.name,
            embedder=self._embedder,
            reranker=self._reranker,
            settings=self.settings,
        )
        self._own.callback(shop.close)
        return shop

    def _open_client(self) -> Elasticsearch:
        with self._lock:
            if self._client is None:
                self._client = connect(self.settings.elasticsearch)
                self._own.callback(self._client.close)
            return self._client

    def _required_reranker(self) -> Reranker:
        with self._lock:
            if self._reranker is None:
                self._reranker = required_reranker(self.settings.rerank)
                self._own.callback(self._reranker.close)
            return self._reranker


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL))
            return log.read(_TAIL)
    except OSError as error:
        raise EvaluationError(f"cannot be read: {error.strerror}", place=str(path)) from None
