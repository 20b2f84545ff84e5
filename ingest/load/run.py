"""A load: shards go to the runner, results come back, and what they say is made durable.

One thread reads, hands out and settles. The order of settling is what a crash cannot break: a
shard's documents are acknowledged, then its dead letters are on the disk, then the ledger says
that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from es_hybrid.errors import EsHybridError, SourceError
from ingest.load.runner import Runner
from ingest.load.slices import Shard, ShardKey, ShardResult
from ingest.record.dead_letters import DeadLetter, LetterBox
from ingest.record.error_budget import Budget
from ingest.record.ledger import Ledger
from ingest.record.tally import Tally
from ingest.sources import Row


class Load:
    """One load into one index.

    Args:
        budget: None where any number of rows may be rejected.
        row_id: The id a row will have; empty where it has none.
        on_progress: Called now and then, in the calling thread.
        tally: To count on; a new one when None.
    """

    def __init__(
        self,
        *,
        runner: Runner,
        ledger: Ledger,
        dead_letters: LetterBox,
        budget: Budget | None,
        row_id: Callable[[Row], str],
        on_progress: Callable[[Tally], None] = lambda _: None,
        tally: Tally | None = None,
    ) -> None:
        self._runner = runner
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._budget = budget
        self._row_id = row_id
        self._on_progress = on_progress
        self._under_way: dict[ShardKey, frozenset[str]] = {}
        self._left_over: list[DeadLetter] = []
        self._error: EsHybridError | None = None
        self.stopped = False
        self.tally = tally or Tally()

    def stop(self) -> None:
        """Begin nothing more, and end what is under way after the batch in hand.

        May be called from a signal handler.
        """
        self.stopped = True
        self._runner.stop()

    def run(self, shards: Iterable[Shard]) -> Tally:
        """Bring the shards to their ends, those that are not done yet.

        Raises:
            SourceError: a file cannot be read further.
            Outage: Elasticsearch or the embedding server stayed away.
            EmbeddingError, ElasticsearchError: one of them refuses everything.
            TooManyRejected: the error budget is spent.
            SettingsError: the dead letters cannot be written.

        Whatever was read before the error is written first, as far as that is possible.
        """
        try:
            for shard in shards:
                ids = frozenset(map(self._row_id, shard.rows)) - {""}
                self._make_room(ids)
                if self.stopped:
                    break
                self._under_way[shard.key] = ids
                self._runner.submit(shard)
        except SourceError as error:
            self._error = error
        while self._under_way:
            self._settle(self._runner.next_result())
        # Behind all that the ledger knows: the load that goes on will find them there.
        self._dead_letters.append(self._left_over)
        if self._error is not None:
            raise self._error
        return self.tally

    def _make_room(self, ids: frozenset[str]) -> None:
        """Wait until a shard of these ids may begin.

        The first one is alone until something of it was taken: a wrong mapping costs one batch.
        Rows of one product are written one after the other, or the older might win.
        """
        while self._under_way and not self.stopped:
            capacity = self._runner.capacity if self.tally.taken else 1
            others = self._under_way.values()
            if len(others) < capacity and all(map(ids.isdisjoint, others)):
                return
            self._settle(self._runner.next_result())

    def _settle(self, result: ShardResult) -> None:
        """Make durable what became of a shard, and see whether the load may go on."""
        del self._under_way[result.shard]
        self.tally.add(result.tally)
        try:
            if not result.complete:
                self._left_over += result.letters
            else:
                self._dead_letters.append(result.letters)
                self._ledger.finish_shard(result, dead_letters_bytes=self._dead_letters.size)
            if result.error is not None:
                raise result.error
            if self._budget is not None:
                self._budget.check(self.tally, result)
        except EsHybridError as error:
            # What others say once they were told to stop is not the cause.
            if not self.stopped:
                self._error = error
                self.stop()
        self._on_progress(self.tally)
