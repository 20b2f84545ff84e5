"""What the endpoints share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from es_hybrid.drive import Parts
from es_hybrid.embedding import Embedder
from es_hybrid.http.keys import ApiKeys
from es_hybrid.index.document import numbers_of
from es_hybrid.reranking import Reranker
from es_hybrid.serve.admission import Admission
from es_hybrid.serve.metrics import Metrics
from es_hybrid.serve.upstream.origin import Origin
from es_hybrid.serve.upstream.pool import Pool
from es_hybrid.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one server."""

    settings: Settings
    pool: Pool
    embedder: Embedder
    reranker: Reranker | None
    parts: Parts
    admission: Admission
    keys: ApiKeys
    metrics: Metrics

    @classmethod
    def of(cls, settings: Settings, *, embedder: Embedder, reranker: Reranker | None) -> Services:
        """Every part by the settings. The embedder and the reranker are closed with them.

        Raises:
            SettingsError: the url of Elasticsearch is none.
        """
        serve = settings.serve
        admission = Admission(
            places=serve.concurrency, queue=serve.queue, patience=serve.queue_seconds
        )

        def embed(text: str, seconds: float | None) -> Sequence[float]:
            return numbers_of(embedder.embed_query(text, timeout=seconds))

        return cls(
            settings=settings,
            pool=Pool(Origin.of(settings.elasticsearch), connect_timeout=serve.connect_timeout),
            embedder=embedder,
            reranker=reranker,
            parts=Parts(embed, reranker, settings),
            admission=admission,
            keys=ApiKeys(serve.api_keys),
            metrics=Metrics(admission),
        )

    def close(self) -> None:
        """Let go of connections and threads."""
        self.pool.close()
        self.parts.close()
        self.embedder.close()
        if self.reranker:
            self.reranker.close()
