"""Whether the offline order is that of the live search."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.tuning.offline import Ids, OfflineSearch
from es_hybrid.evaluation.tuning.space import SettingsChange, applied
from es_hybrid.reranking import Reranker
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings

# A vector search over several segments, or during a load, need not find the same twice.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCheck:
    """Compares the offline search with the live one."""

    client: Elasticsearch
    settings: Settings
    embedder: Embedder
    reranker: Reranker | None
    offline: OfflineSearch

    def compare(self, changes: Sequence[SettingsChange], queries: Sequence[Query]) -> int:
        """Search each query with each change, offline and live; returns the number of searches.

        Raises:
            EvaluationError: the order of a search differs, repeatedly.
        """
        for change, query in itertools.product(changes, queries):
            self._compare(change, query)
        return len(changes) * len(queries)

    def _compare(self, change: SettingsChange, query: Query) -> None:
        settings = applied(self.settings, change).with_(rerank={"deadline_ms": None})
        for _ in range(_ATTEMPTS):
            live = self._live(settings, query)
            offline = self.offline.first_hits(query.text, [settings])[0]
            if live == offline:
                return
        raise EvaluationError(
            f"the offline order differs from that of the live search with {dict(change)}: "
            f"{', '.join(offline)} and {', '.join(live)}",
            place=f"query {query.id}",
            remedy="tune while nothing is loaded into the index; if nothing is, report this",
        )

    def _live(self, settings: Settings, query: Query) -> Ids:
        search = HybridSearch(
            self.client,
            index=settings.index.name,
            embedder=self.embedder,
            reranker=self.reranker if settings.rerank.enabled else None,
            settings=settings,
        )
        with search:
            return tuple(hit.id for hit in search.search(query.text, timeout_ms=0).hits)
