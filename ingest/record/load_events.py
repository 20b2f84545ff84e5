"""Events about a load or a backfill, for the data stream of `events.stream`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from elasticsearch import Elasticsearch

from es_hybrid.client import translated, url_of
from es_hybrid.errors import ElasticsearchError, EsHybridError, Outage
from es_hybrid.events import open_recorder
from es_hybrid.events.documents import Event, LoadAction, catalogue_event, load_event
from es_hybrid.index.lifecycle import describe_index
from es_hybrid.index.plan import estimate_stale
from es_hybrid.settings import Settings
from es_hybrid.waiting import Waited, WaitLog
from ingest.record.tally import BackfillTally, Counts, Tally

if TYPE_CHECKING:
    from es_hybrid.events.recorder import Recorder

AnyCounts = TypeVar("AnyCounts", bound=Counts)

# Seconds between two reports of the progress.
_EVERY = 10.0
# Seconds after which a server that is not waited for is back; no wait is longer.
_QUIET = 10.0


@contextmanager
def recorded(
    settings: Settings,
    client: Elasticsearch,
    *,
    id_: str,
    runner: str,
    counts: Callable[[], Counts],
    waits: WaitLog,
    on_progress: Callable[[AnyCounts], None],
) -> Iterator[Callable[[AnyCounts], None]]:
    """Record the load in the block, if events are on; yields what to call with its progress.

    Args:
        client: Describes the index at the end.
        id_: Name of the load.
        counts: Returns the counts so far.
        waits: The outages are taken from it.
        on_progress: Called by what is yielded.
    """
    recorder = open_recorder(settings)
    if recorder is None:
        yield on_progress
        return
    with closing(recorder):
        load = _RecordedLoad(recorder, settings, id_, runner, counts, waits)

        def progressed(tally: AnyCounts) -> None:
            on_progress(tally)
            load.progressed()

        load.add("load-started")
        try:
            yield progressed
        except EsHybridError as error:
            load.ended(error)
            if not isinstance(error, ElasticsearchError | Outage):
                load.describe(client)
            raise
        load.ended(None)
        load.describe(client)


@dataclass
class _RecordedLoad:
    """The events of one load.

    Attributes:
        outage: Seconds of the outages that are over.
    """

    recorder: Recorder
    settings: Settings
    id: str
    runner: str
    counts: Callable[[], Counts]
    waits: WaitLog
    outage: float = 0.0
    _outages: dict[str, Waited] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)
    _reported: float = field(default_factory=time.monotonic)

    def add(
        self,
        action: LoadAction,
        *,
        seconds: float | None = None,
        error: EsHybridError | None = None,
    ) -> None:
        load = {"id": self.id, "runner": self.runner, "outage": self.outage, **facts(self.counts())}
        index = self.settings.index.name
        self.recorder.add(
            partial(load_event, action, index=index, load=load, seconds=seconds, error=error)
        )

    def progressed(self) -> None:
        for waited in self.waits.take():
            known = self._outages.get(waited.place)
            if known and waited.since - known.until <= _QUIET:
                waited = waited._replace(since=min(known.since, waited.since))
            elif known:
                self._is_over(known)
            self._outages[waited.place] = waited
        for waited in list(self._outages.values()):
            if time.time() - waited.until > _QUIET:
                self._is_over(waited)
        if (now := time.monotonic()) - self._reported >= _EVERY:
            self._reported = now
            self.add("load-progress", seconds=now - self._started)

    def ended(self, error: EsHybridError | None) -> None:
        self._reported = time.monotonic()  # the end is all that is left to report
        self.progressed()
        for waited in list(self._outages.values()):
            self._is_over(waited)
        self.add("load-ended", seconds=time.monotonic() - self._started, error=error)

    def describe(self, client: Elasticsearch) -> None:
        """Record the state of the index; nothing if it cannot be read."""

        def event() -> Event:
            with translated(url_of(client)):
                catalogue = catalogue_facts(client, self.settings)
            return catalogue_event(index=self.settings.index.name, catalogue=catalogue)

        self.recorder.add(event)

    def _is_over(self, outage: Waited) -> None:
        del self._outages[outage.place]
        seconds = outage.until - outage.since
        self.outage += seconds
        self.add("outage", seconds=seconds, error=Outage(outage.problem, place=outage.place))


def facts(counts: Counts) -> dict[str, Any]:
    """The counts as fields of `es_hybrid.load`."""
    match counts:
        case Tally():
            found = {
                "rows": counts.rows,
                "written": counts.written,
                "unchanged": counts.unchanged,
                "embedded": counts.embedded,
            }
            done = counts.ended
        case BackfillTally():
            found = {
                "rows": counts.scanned,
                "written": counts.filled,
                "embedded": counts.filled,
            }
            done = counts.filled
        case _:
            raise AssertionError(counts)
    rate = round(done / max(counts.elapsed, 1e-9), 1)
    return {**found, "rejected": counts.rejected, "dead_letters": counts.rejected, "rate": rate}


def catalogue_facts(client: Elasticsearch, settings: Settings) -> Mapping[str, Any]:
    """The state of the index as fields of `es_hybrid.catalogue`.

    Raises:
        IndexStateError: there is no such index, or it has no passport.
    """
    name = settings.index.name
    found = describe_index(client, name, vector_field=settings.index.vector_field)
    passport = found.passport
    return {
        "documents": found.documents,
        "with_vector": found.with_vector,
        "without_vector": found.documents - found.with_vector,
        "stale": estimate_stale(client, name, passport, documents=found.documents),
        "model": passport.model,
        "revision": passport.revision,
        "dims": passport.dims,
        "vector_type": found.vector_options.get("index_options", {}).get("type"),
    }
