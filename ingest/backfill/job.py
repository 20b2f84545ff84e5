"""A backfill as the command requests it: settings, servers and index."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from elasticsearch import Elasticsearch

from es_hybrid.client import connect, server_version, translated, url_of
from es_hybrid.embedding import open_embedder
from es_hybrid.errors import ElasticsearchError, IndexStateError, Interrupted
from es_hybrid.index.document import PACKED_VECTORS_SINCE
from es_hybrid.index.lifecycle import describe_index, open_index, read_mappings
from es_hybrid.index.passport import Passport, check_embedding
from es_hybrid.settings import Settings
from es_hybrid.understanding.store import learn_after_writing
from es_hybrid.waiting import Patience
from ingest.backfill.fill import Fill
from ingest.backfill.scan import Scan
from ingest.record.dead_letters import DeadLetters
from ingest.record.load_events import recorded
from ingest.record.loads import lock_index
from ingest.record.tally import BackfillTally
from ingest.writing import AdaptiveLimit, BulkWriter, patiently


@dataclass(kw_only=True)
class BackfillJob:
    """Fills vectors into the documents of the index of the settings.

    Attributes:
        concurrency: Batches in progress at once.
        rate: Documents filled per second at most; None for no limit.
        tally: The counts so far, also after an error.
    """

    settings: Settings
    concurrency: int = 1
    rate: float | None = None
    dead_letters: Path
    tally: BackfillTally = field(default_factory=BackfillTally)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _signal: int = 2

    @property
    def index(self) -> str:
        """The index or alias."""
        return self.settings.index.name

    def stop(self, signal: int) -> None:
        """End after the batches in progress; for a signal handler."""
        self._signal = signal
        self._stopped.set()

    def run(self, *, on_progress: Callable[[BackfillTally], None]) -> None:
        """Fill missing and stale vectors.

        Raises:
            EsHybridError: the backfill cannot continue; what is filled stays.
            Interrupted: it was stopped.
        """
        settings, name = self.settings, self.index
        patience = Patience(settings.ingest.max_outage_s, self._stopped)
        with (
            lock_index(settings.ingest.ledger_dir, name),
            closing(connect(settings.elasticsearch)) as client,
            closing(open_embedder(settings.embedding)) as embedder,
            recorded(
                settings,
                client,
                id_=f"backfill-{name}",
                runner="backfill",
                counts=lambda: self.tally,
                waits=patience.log,
                on_progress=on_progress,
            ) as progressed,
        ):
            place = url_of(client)
            with translated(place):
                index, passport = _opened(client, settings)
                check_embedding(
                    passport,
                    embedder,
                    index=index,
                    template=passport.text_template,
                    max_chars=passport.text_max_chars,
                )
                packs = server_version(client) >= PACKED_VECTORS_SINCE
                documents = int(client.count(index=index)["count"])
            fill = Fill(
                index=index,
                passport=passport,
                embedder=embedder,
                writer=BulkWriter(
                    client,
                    index,
                    place=place,
                    patience=patience,
                    limit=AdaptiveLimit(self.concurrency),
                ),
                packs_vectors=packs,
                concurrency=self.concurrency,
                rate=self.rate,
                patience=patience,
                dead_letters=DeadLetters(self.dead_letters, index=index),
                reported=_reported(self.dead_letters, index),
                max_rejected_in_a_row=settings.ingest.max_rejected_in_a_row,
                on_progress=progressed,
            )
            self.tally = fill.tally
            self.tally.documents = documents
            scan = Scan(client, index, passport, place=place, patience=patience, slowest=self.rate)
            try:
                fill.run(scan, lambda: _refreshed(client, index, patience, place))
                learn_after_writing(client, index, vector_field=passport.vector_field, changed=0)
            finally:
                # Best effort: a failure here must not hide the error that ended the backfill.
                with contextlib.suppress(ElasticsearchError), translated(place):
                    _count_covered(client, index, passport, self.tally)
            if self._stopped.is_set():
                raise Interrupted(
                    "stopped before the end",
                    place=f"index {name}",
                    remedy="run it again; it skips documents that have their vector",
                    signal=self._signal,
                )


def _opened(client: Elasticsearch, settings: Settings) -> tuple[str, Passport]:
    """The one index behind the name, and its passport."""
    name = settings.index.name
    indices = sorted(read_mappings(client, name))
    if len(indices) > 1:
        raise IndexStateError(
            f"it is an alias of {len(indices)} indices",
            place=f"index {name}",
            remedy="fill them one after the other: " + ", ".join(indices),
        )
    passport = open_index(client, name, vector_field=settings.index.vector_field)
    if passport.vector_field != (wanted := settings.index.vector_field):
        raise IndexStateError(
            f"its vectors are in {passport.vector_field}, but index.vector_field is {wanted}",
            place=f"index {name}",
            remedy="set index.vector_field, or add the field: `es-hybrid index apply`",
        )
    return indices[0], passport


def _reported(path: Path, index: str) -> set[tuple[str, int]]:
    """(id, seq_no) of the letters of earlier backfills, so that hourly runs do not repeat them."""
    if not path.exists():
        return set()
    with path.open("rb") as file:
        letters = [orjson.loads(line) for line in file if line.endswith(b"\n")]
    return {(letter["id"], letter["version"]) for letter in letters if letter.get("index") == index}


def _refreshed(client: Elasticsearch, index: str, patience: Patience, place: str) -> None:
    once = client.options(max_retries=0, retry_on_status=())
    patiently(lambda: once.indices.refresh(index=index), patience, place=place)


def _count_covered(
    client: Elasticsearch, index: str, passport: Passport, tally: BackfillTally
) -> None:
    client.indices.refresh(index=index)
    described = describe_index(client, index, vector_field=passport.vector_field)
    tally.total, tally.covered = described.documents, described.with_vector
