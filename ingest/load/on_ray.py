"""Shards in actors of a Ray cluster: on this machine alone, or on many.

This process reads, cuts and keeps the ledger; an actor cleans, embeds and writes one shard at a
time, by the same `process_shard` as a thread of the local runner. Ray starts an actor that died
again and gives it its shard once more, which does no harm: every row is held against the index.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from es_hybrid.errors import EsHybridError, MissingExtra, SettingsError
from ingest.load.slices import Shard, ShardResult, process_shard
from ingest.load.worker import WorkerSpec, open_worker
from ingest.record.tally import Tally

if TYPE_CHECKING:
    from ray import ObjectRef

try:
    import ray
except ModuleNotFoundError:
    raise MissingExtra("Ray, which --runner ray works with,", "scale") from None

logger = logging.getLogger(__name__)

# How often a shard is begun anew after its actor died; one that kills each is not for this load.
_RETRIES = 4
# Seconds between looks at what else there is to do while shards are under way.
_TICK = 1.0
# Seconds without a shard ending after which that is said, again and again.
STALL_SECONDS = 60.0


class ShardActor:
    """One worker in a process of its own."""

    def __init__(self, spec: WorkerSpec) -> None:
        with warnings.catch_warnings(action="ignore"):  # Ray asks itself in a way it deprecates
            died_before = ray.get_runtime_context().was_current_actor_reconstructed
        # What its predecessor wrote is not known here: look.
        spec = replace(spec, fresh=spec.fresh and not died_before)
        self._open = ExitStack()
        self._worker = self._open.enter_context(open_worker(spec))

    def process(self, shard: Shard) -> ShardResult:
        """See `process_shard`."""
        return process_shard(self._worker, shard)

    def stop(self) -> None:
        """Let the shard under way end early."""
        self._worker.patience.stopped.set()


@dataclass(frozen=True, slots=True)
class _UnderWay:
    shard: Shard
    actor: Any
    since: float


class RayRunner:
    """A `Runner` of actors, one shard each.

    Args:
        actors: How many; one for each CPU of the cluster when None.
        stall_after: Seconds without a shard ending after which a warning names what is under way.

    Raises:
        EsHybridError: there is no cluster, none can be started, or it has too few CPUs.
    """

    def __init__(
        self, spec: WorkerSpec, *, actors: int | None = None, stall_after: float = STALL_SECONDS
    ) -> None:
        self._began_ray = not ray.is_initialized()
        if self._began_ray:
            _begin()
        cluster: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cpus = int(cluster.get("CPU", 0))
        self.capacity = actors or cpus
        if not 0 < self.capacity <= cpus:
            # The others would wait for a CPU, and their shards with them.
            raise SettingsError(
                f"{self.capacity} actors for the {cpus} CPUs of the cluster",
                place="ingest.ray_actors",
                remedy="ask for as many as it has, or let it grow first",
            )
        actor_class = ray.remote(ShardActor).options(
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=_RETRIES,
            max_concurrency=2,  # `stop` must be heard while a shard is worked on
        )
        # Ray's own types know nothing of `.remote` on an actor's methods.
        self._actors: list[Any] = [actor_class.remote(spec) for _ in range(self.capacity)]
        self._idle = list(self._actors)
        self._under_way: dict[ObjectRef[ShardResult], _UnderWay] = {}
        self._stall_after = stall_after
        self._stopping = threading.Event()
        self._told_to_stop = False

    def submit(self, shard: Shard) -> None:
        """See `Runner`."""
        actor = self._idle.pop()
        ref = actor.process.remote(shard)
        self._under_way[ref] = _UnderWay(shard, actor, time.monotonic())

    def next_result(self) -> ShardResult:
        """See `Runner`. Says so when none ends for long."""
        quiet_since = time.monotonic()
        while True:
            if self._stopping.is_set() and not self._told_to_stop:
                self._told_to_stop = True
                for actor in self._actors:
                    actor.stop.remote()
            ready, _ = ray.wait(list(self._under_way), timeout=_TICK)
            if ready:
                return self._ended(ready[0])
            if time.monotonic() - quiet_since >= self._stall_after:
                quiet_since = time.monotonic()
                logger.warning("%s", self._stall())

    def stop(self) -> None:
        """See `Runner`. For signal handlers too: Ray itself is spoken to elsewhere."""
        self._stopping.set()

    def close(self) -> None:
        """See `Runner`."""
        for actor in self._actors:
            ray.kill(actor)
        if self._began_ray:
            ray.shutdown()

    def _ended(self, ref: ObjectRef[ShardResult]) -> ShardResult:
        ended = self._under_way.pop(ref)
        self._idle.append(ended.actor)
        try:
            result: ShardResult = ray.get(ref)
        except ray.exceptions.RayError as error:
            result = ShardResult(
                shard=ended.shard.key,
                whole=ended.shard.whole,
                tally=Tally(rows=len(ended.shard.rows)),
            )
            result.error = EsHybridError(
                f"no worker could finish this shard: {_last_line(error)}",
                place=_rows(ended.shard),
                remedy="look at the logs of Ray's workers, and at the machine's memory",
            )
        return result

    def _stall(self) -> str:
        longest = min(self._under_way.values(), key=lambda under_way: under_way.since)
        return (
            f"no shard has ended for {self._stall_after:.0f} s; {len(self._under_way)} under way, "
            f"the longest for {time.monotonic() - longest.since:.0f} s: {_rows(longest.shard)}"
        )


def _begin() -> None:
    """Join the cluster of `RAY_ADDRESS` or of this machine, else start one here.

    One started here asks for a token, which Ray makes and keeps in the user's home.
    """
    # Ray takes SIGTERM for itself. A load ends in its own way.
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    # Else it would report to its makers that it runs.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(include_dashboard=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        raise EsHybridError(
            f"Ray cannot be joined or started: {_last_line(error)}",
            place=os.environ.get("RAY_ADDRESS", "this machine"),
            remedy="check RAY_ADDRESS, or look at Ray's logs in /tmp/ray/session_latest/logs",
        ) from None
    if in_main_thread:
        signal.signal(signal.SIGTERM, handler)


def _rows(shard: Shard) -> str:
    return f"{shard.rows[0].place} to {shard.rows[-1].place}"


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]
