"""Everything that is examined, in the order in which one depends on the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial

from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.index.lifecycle import read_mappings
from es_hybrid.index.passport import Passport, choose_passport, passports_of
from es_hybrid.reranking import Reranker, open_reranker
from es_hybrid.settings import Settings
from ingest.doctor import disk, models
from ingest.doctor.cluster import examine_cluster
from ingest.doctor.configuration import examine_settings
from ingest.doctor.finding import Finding, attempted, ok
from ingest.doctor.target import examine_index

__all__ = ["examine"]

# Seconds for one answer of the cluster or of a model's server.
_PATIENCE_S = 10.0


def examine(settings: Settings) -> Iterator[Finding]:
    """Examine the parts that the settings name. Errors become findings.

    Reads from the cluster, embeds and reranks a few texts, and changes nothing.
    """
    settings = _impatient(settings)
    yield from attempted("settings", partial(examine_settings, settings))
    examination = _Examination(settings)
    with examination.opened:
        yield from attempted("cluster", examination.cluster)
        yield from attempted("embedding", examination.embedding)
        yield from attempted("index", examination.index)
        yield from attempted("reranker", examination.reranker)
    yield from attempted("disk", partial(disk.examine_disk, settings))


def _impatient(settings: Settings) -> Settings:
    """The settings with short timeouts and no retries: a dead server is found in seconds.

    The doctor scores the canaries itself.
    """
    return settings.with_(
        elasticsearch={"timeout": min(settings.elasticsearch.timeout, _PATIENCE_S)},
        embedding={"timeout": min(settings.embedding.timeout, _PATIENCE_S), "max_retries": 0},
        rerank={"timeout": min(settings.rerank.timeout, _PATIENCE_S), "canaries": False},
    )


class _Examination:
    """The parts, each opened once, and what later findings need of earlier ones."""

    def __init__(self, settings: Settings) -> None:
        self.opened = ExitStack()
        self._settings = settings
        self._place = resolve_url(settings.elasticsearch)
        self._reached = False
        self._embedder: Embedder | None = None

    def cluster(self) -> Iterator[Finding]:
        with translated(self._place), closing(connect(self._settings.elasticsearch)) as client:
            for found in examine_cluster(client, self._settings, self._place):
                self._reached = True
                yield found

    def embedding(self) -> Iterator[Finding]:
        embedder = self.opened.enter_context(closing(open_embedder(self._settings.embedding)))
        yield from models.examine_embedder(embedder, self._settings.embedding)
        self._embedder = embedder

    def index(self) -> Iterator[Finding]:
        if not self._reached:
            return
        with translated(self._place), closing(connect(self._settings.elasticsearch)) as client:
            name = self._settings.index.name
            if not client.indices.exists(index=name):
                yield ok("index", f"{name} does not exist yet: a load creates it")
                return
            mappings = read_mappings(client, name)
            passport = self._passport(mappings)
            yield from examine_index(client, self._settings, mappings, passport)
            if self._embedder is not None:
                yield from models.compare(passport, self._embedder, self._settings)

    def reranker(self) -> Iterator[Finding]:
        reranker: Reranker | None = open_reranker(self._settings.rerank)
        if reranker is None:
            yield ok("reranker", "none: hits keep their fused order")
            return
        self.opened.enter_context(closing(reranker))
        yield from models.examine_reranker(reranker, self._settings.rerank)

    def _passport(self, mappings: dict[str, dict[str, object]]) -> Passport:
        found = {each for mapping in mappings.values() for each in passports_of(mapping)}
        name = self._settings.index.name
        wanted = self._settings.index.vector_field
        return choose_passport(sorted(found, key=str), wanted, place=f"index {name}")
