"""One run of a load: hands slices to a runner and records their results.

One thread reads, hands out and records, in an order that a crash cannot break: a slice's documents
are acknowledged, then its dead letters are on disk, then the ledger records that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Literal, Protocol

from es_hybrid.errors import EsHybridError, Interrupted, SourceError
from es_hybrid.waiting import WaitLog
from ingest.load.slices import Slice, process_slice
from ingest.load.target import Target
from ingest.load.worker import Worker
from ingest.record.dead_letters import DeadLetter, LetterBox
from ingest.record.error_budget import ErrorBudget
from ingest.record.ledger import Ledger
from ingest.record.result import SliceKey, SliceResult
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing import Patience

RunnerName = Literal["local", "ray"]


class Runner(Protocol):
    """Processes several slices at once. Called by one thread."""

    @property
    def capacity(self) -> int:
        """Slices in progress that keep it busy."""

    def submit(self, slice_: Slice) -> None:
        """Start a slice."""

    def next_result(self) -> SliceResult:
        """Wait for any slice to end; call only while one is in progress."""

    def stop(self) -> None:
        """End the slices in progress after their current batch."""

    def close(self) -> None:
        """Release threads or actors."""


def open_runner(name: RunnerName, target: Target) -> Runner:
    """The runner that the command names."""
    settings = target.spec.settings.ingest
    if name == "ray":
        from ingest.load.on_ray import RayRunner

        return RayRunner(target.spec, actors=settings.ray_actors)
    patience = Patience(settings.max_outage_s)
    return LocalRunner(
        Worker(target.spec, client=target.client, embedder=target.embedder, patience=patience)
    )


class LocalRunner:
    """A `Runner` of as many threads as keep the embedder and the cluster busy.

    The threads mostly wait for servers; the embedder and the writer limit their own requests.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.capacity = worker.embedder.concurrency + worker.settings.bulk_concurrency
        self._threads = ThreadPoolExecutor(self.capacity, thread_name_prefix="slice")
        self._in_progress: set[Future[SliceResult]] = set()
        self._done: list[Future[SliceResult]] = []

    def submit(self, slice_: Slice) -> None:
        """See `Runner`."""
        self._in_progress.add(self._threads.submit(process_slice, self._worker, slice_))

    def next_result(self) -> SliceResult:
        """See `Runner`."""
        if not self._done:
            done, self._in_progress = wait(self._in_progress, return_when=FIRST_COMPLETED)
            self._done.extend(done)
        return self._done.pop().result()

    def stop(self) -> None:
        """See `Runner`."""
        self._worker.patience.stopped.set()

    def close(self) -> None:
        """See `Runner`."""
        self._threads.shutdown()


class LoadRun:
    """One run of a load, which a signal may end early.

    Attributes:
        tally: The counts so far, also after an error.
        waits: The outages so far.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.waits = WaitLog()
        self._in_progress: dict[SliceKey, frozenset[str]] = {}
        self._incomplete: list[DeadLetter] = []
        self._runner: Runner | None = None
        self._error: EsHybridError | None = None
        self._signal: int | None = None
        self._stopped = False

    def stop(self, signal: int) -> None:
        """End early, after the batches in progress; for a signal handler."""
        self._signal = signal
        self._stop()

    def _stop(self) -> None:
        self._stopped = True
        if self._runner is not None:
            self._runner.stop()

    def process(
        self,
        slices: Iterable[Slice],
        *,
        runner: Runner,
        ledger: Ledger,
        dead_letters: LetterBox,
        budget: ErrorBudget | None,
        row_id: Callable[[Row], str],
        on_progress: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        """Process slices and record their results.

        After an error, no slice is started, and the slices in progress are still recorded.

        Args:
            budget: None if any number of rows may be rejected.
            row_id: The id that a row will have; empty if it has none.
            on_progress: Called with the counts after each slice.

        Raises:
            Interrupted: a signal came first.
            SourceError: a source cannot be read further.
            Outage: Elasticsearch or the embedding server stayed unavailable.
            EmbeddingError, ElasticsearchError: one of them refuses everything.
            TooManyRejected: the error budget is exceeded.
            StorageError: the dead letters or the ledger cannot be written.
        """
        self._runner, self._ledger, self._dead_letters = runner, ledger, dead_letters
        self._budget, self._on_progress = budget, on_progress
        if self._stopped:
            runner.stop()
        try:
            for slice_ in slices:
                ids = frozenset(map(row_id, slice_.rows)) - {""}
                self._make_room(runner, ids)
                if self._stopped:
                    break
                self._in_progress[slice_.key] = ids
                runner.submit(slice_)
        except SourceError as error:
            self._error = error
        while self._in_progress:
            self._record(runner.next_result())
        if self._incomplete:
            # After all letters that the ledger knows: the resumed load looks for them there.
            dead_letters.append(self._incomplete)
        if self._error is not None:
            raise self._error
        if self._signal is not None:
            raise Interrupted("stopped before the end", signal=self._signal)

    def _make_room(self, runner: Runner, ids: frozenset[str]) -> None:
        """Wait until a slice with these ids may start.

        The first slice runs alone until a row of it is taken, so a wrong mapping costs one batch.
        Rows of one product are written one after the other; otherwise the older could win.
        """
        while self._in_progress and not self._stopped:
            capacity = runner.capacity if self.tally.taken else 1
            others = self._in_progress.values()
            if len(others) < capacity and all(map(ids.isdisjoint, others)):
                return
            self._record(runner.next_result())

    def _count_repeated(self, result: SliceResult) -> None:
        """Count the rows of a slice whose ids are in other slices; it has counted its own."""
        known = self._ledger.taken(id_ for id_, version in result.ids.items() if version >= 0)
        if known:
            result.tally.repeat(known[0], len(known))

    def _record(self, result: SliceResult) -> None:
        """Make the result of a slice durable, and check whether the load may continue."""
        del self._in_progress[result.key]
        if result.complete:
            self._count_repeated(result)
        self.tally.add(result.tally)
        for waited in result.outages:
            self.waits.add(waited)
        try:
            if not result.complete:
                self._incomplete += result.letters
            else:
                if result.letters:
                    self._dead_letters.append(result.letters)
                self._ledger.finish_slice(result, dead_letters_bytes=self._dead_letters.size)
            if result.error is not None:
                raise result.error
            if self._budget is not None:
                self._budget.check(self.tally, result)
        except EsHybridError as error:
            # Errors after a stop follow from it.
            if not self._stopped:
                self._error = error
                self._stop()
        self._on_progress(self.tally)
