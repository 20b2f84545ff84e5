"""Shards in threads of this process."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ingest.load.slices import Shard, ShardResult, process_shard
from ingest.load.worker import Worker


class LocalRunner:
    """A `Runner` of as many threads as keep the embedder and the cluster busy.

    Waiting for a server is what the threads do most; the embedder and the writer each let only so
    many of them through at once.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.capacity = worker.embedder.concurrency + worker.settings.bulk_concurrency
        self._threads = ThreadPoolExecutor(self.capacity, thread_name_prefix="shard")
        self._under_way: set[Future[ShardResult]] = set()
        self._done: list[Future[ShardResult]] = []

    def submit(self, shard: Shard) -> None:
        """See `Runner`."""
        self._under_way.add(self._threads.submit(process_shard, self._worker, shard))

    def next_result(self) -> ShardResult:
        """See `Runner`."""
        if not self._done:
            done, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            self._done.extend(done)
        return self._done.pop().result()

    def stop(self) -> None:
        """See `Runner`."""
        self._worker.patience.stopped.set()

    def close(self) -> None:
        """See `Runner`."""
        self._threads.shutdown()
