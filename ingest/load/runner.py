"""Where shards are worked on: threads of this process, or actors of a Ray cluster."""

from __future__ import annotations

from typing import Protocol

from ingest.load.slices import Shard, ShardResult


class Runner(Protocol):
    """Works on shards, several at once. Called by one thread."""

    @property
    def capacity(self) -> int:
        """How many shards under way at once keep it busy."""

    def submit(self, shard: Shard) -> None:
        """Begin with a shard."""

    def next_result(self) -> ShardResult:
        """Wait for a shard to end, whichever is first; only while one is under way."""

    def stop(self) -> None:
        """Let the shards under way end early, after the batch in hand."""

    def close(self) -> None:
        """Let go of threads or actors."""
