"""The parts that all endpoints share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from es_hybrid.drive.parts import Parts
from es_hybrid.drive.queries import Embed, QueryEmbedder
from es_hybrid.embedding import Embedder
from es_hybrid.events import open_recorder
from es_hybrid.http.hosts import HostRule
from es_hybrid.http.keys import ApiKeys
from es_hybrid.reranking import Reranker
from es_hybrid.serve.admission import Admission
from es_hybrid.serve.bodies import Bodies
from es_hybrid.serve.metrics import Metrics
from es_hybrid.serve.upstream.origin import Origin
from es_hybrid.serve.upstream.pool import Pool
from es_hybrid.serve.workers import Workers
from es_hybrid.settings import Settings

if TYPE_CHECKING:
    from es_hybrid.events.recorder import Recorder

# Bodies of the maximum size that are held at the same time.
_LARGEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one server.

    Attributes:
        embed: Embeds the queries of all searches.
        recorder: Of the events about searches; None if events are off.
    """

    settings: Settings
    pool: Pool
    embedder: Embedder
    embed: Embed
    reranker: Reranker | None
    parts: Parts
    admission: Admission
    bodies: Bodies
    workers: Workers
    keys: ApiKeys
    hosts: HostRule
    metrics: Metrics
    recorder: Recorder | None

    @classmethod
    def of(cls, settings: Settings, *, embedder: Embedder, reranker: Reranker | None) -> Services:
        """The parts made from the settings. `close` closes embedder and reranker.

        Raises:
            SettingsError: elasticsearch.url is not a URL.
        """
        serve = settings.serve
        admission = Admission(
            places=serve.concurrency, queue=serve.queue, patience=serve.queue_seconds
        )
        metrics = Metrics(admission)
        embed = QueryEmbedder(
            embedder, settings.embedding, wait_for_canaries=False, count=metrics.embedded
        )
        return cls(
            settings=settings,
            pool=Pool(Origin.of(settings.elasticsearch), connect_timeout=serve.connect_timeout),
            embedder=embedder,
            embed=embed,
            reranker=reranker,
            parts=Parts(embed, reranker, settings),
            admission=admission,
            bodies=Bodies(
                room=_LARGEST * max(serve.max_search_bytes, serve.max_rerank_bytes),
                patience=serve.queue_seconds,
            ),
            workers=Workers(),
            keys=ApiKeys(serve.api_keys),
            hosts=HostRule(serve.host, serve),
            metrics=metrics,
            recorder=open_recorder(settings, metrics.streamed),
        )

    def close(self) -> None:
        """Close connections and threads."""
        self.pool.close()
        self.workers.close()
        self.parts.close()
        if self.recorder:
            self.recorder.close()
        self.embedder.close()
        if self.reranker:
            self.reranker.close()
