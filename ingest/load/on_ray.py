"""Slices in actors of a Ray cluster, on this machine or on many.

This process reads the sources, cuts slices and keeps the ledger. An actor processes one slice at a
time with the same `process_slice` as a thread of `LocalRunner`. Ray restarts an actor that died and
gives it its slice again, which does no harm: every row is compared with the index.
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
from ingest.load.slices import Slice, process_slice
from ingest.load.worker import WorkerSpec, open_worker
from ingest.record.result import SliceResult
from ingest.record.tally import Tally

if TYPE_CHECKING:
    from ray import ObjectRef

try:
    import ray
except ModuleNotFoundError:
    raise MissingExtra("Ray, which --runner ray needs,", "scale") from None

logger = logging.getLogger(__name__)

# Retries of a slice whose actor died.
_RETRIES = 4
# Seconds between checks for a stop while slices are in progress.
_TICK = 1.0
# Seconds without a finished slice before each warning.
STALL_SECONDS = 60.0


class SliceActor:
    """One worker in its own process."""

    def __init__(self, spec: WorkerSpec) -> None:
        with warnings.catch_warnings(action="ignore"):  # Ray calls its own deprecated API
            died_before = ray.get_runtime_context().was_current_actor_reconstructed
        # The index holds what the dead actor wrote.
        spec = replace(spec, fresh=spec.fresh and not died_before)
        self._open = ExitStack()
        self._worker = self._open.enter_context(open_worker(spec))

    def process(self, slice_: Slice) -> SliceResult:
        """See `process_slice`."""
        return process_slice(self._worker, slice_)

    def stop(self) -> None:
        """End the slice in progress after its current batch."""
        self._worker.patience.stopped.set()


@dataclass(frozen=True, slots=True)
class _InProgress:
    slice: Slice
    actor: Any
    since: float


class RayRunner:
    """A `Runner` of actors with one slice each.

    Args:
        actors: Number of actors; None for one per CPU of the cluster.
        stall_after: Seconds without a finished slice before a warning.

    Raises:
        EsHybridError: Ray cannot be joined or started, or has too few CPUs.
    """

    def __init__(
        self, spec: WorkerSpec, *, actors: int | None = None, stall_after: float = STALL_SECONDS
    ) -> None:
        self._started_ray = not ray.is_initialized()
        if self._started_ray:
            _start_ray()
        cluster: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cpus = int(cluster.get("CPU", 0))
        self.capacity = actors or cpus
        if not 0 < self.capacity <= cpus:
            # The other actors, and their slices, would wait for a CPU.
            raise SettingsError(
                f"{self.capacity} actors for the {cpus} CPUs of the cluster",
                place="ingest.ray_actors",
                remedy="lower it, or add nodes to the cluster",
            )
        actor_class = ray.remote(SliceActor).options(
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=_RETRIES,
            max_concurrency=2,  # `stop` must run while a slice is processed
        )
        # Ray's types do not know `.remote` on an actor's methods.
        self._actors: list[Any] = [actor_class.remote(spec) for _ in range(self.capacity)]
        self._idle = list(self._actors)
        self._in_progress: dict[ObjectRef[SliceResult], _InProgress] = {}
        self._stall_after = stall_after
        self._stopping = threading.Event()
        self._stop_sent = False

    def submit(self, slice_: Slice) -> None:
        """See `Runner`."""
        actor = self._idle.pop()
        ref = actor.process.remote(slice_)
        self._in_progress[ref] = _InProgress(slice_, actor, time.monotonic())

    def next_result(self) -> SliceResult:
        """See `Runner`. Warns if no slice ends for long."""
        quiet_since = time.monotonic()
        while True:
            if self._stopping.is_set() and not self._stop_sent:
                self._stop_sent = True
                for actor in self._actors:
                    actor.stop.remote()
            ready, _ = ray.wait(list(self._in_progress), timeout=_TICK)
            if ready:
                return self._ended(ready[0])
            if time.monotonic() - quiet_since >= self._stall_after:
                quiet_since = time.monotonic()
                logger.warning("%s", self._stall())

    def stop(self) -> None:
        """See `Runner`. Safe in a signal handler: `next_result` tells the actors."""
        self._stopping.set()

    def close(self) -> None:
        """See `Runner`."""
        for actor in self._actors:
            ray.kill(actor)
        if self._started_ray:
            ray.shutdown()

    def _ended(self, ref: ObjectRef[SliceResult]) -> SliceResult:
        ended = self._in_progress.pop(ref)
        self._idle.append(ended.actor)
        try:
            return ray.get(ref)
        except ray.exceptions.RayError as error:
            return SliceResult(
                key=ended.slice.key,
                tally=Tally(rows=len(ended.slice.rows)),
                error=EsHybridError(
                    f"no worker could finish this slice: {_last_line(error)}",
                    place=_rows(ended.slice),
                    remedy="check the logs of Ray's workers, and the machine's memory",
                ),
            )

    def _stall(self) -> str:
        longest = min(self._in_progress.values(), key=lambda entry: entry.since)
        return (
            f"no slice has ended for {self._stall_after:.0f} s; {len(self._in_progress)} in "
            f"progress, the longest for {time.monotonic() - longest.since:.0f} s: "
            f"{_rows(longest.slice)}"
        )


def _start_ray() -> None:
    """Join the cluster of `RAY_ADDRESS` or of this machine, or start one here.

    A cluster started here requires a token, which Ray creates and keeps in the user's home.
    """
    # Ray replaces the handler of SIGTERM.
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    # Ray sends usage statistics by default.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(include_dashboard=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises a bare one if its processes are not up within 30 s
        raise EsHybridError(
            f"Ray cannot be joined or started: {_last_line(error)}",
            place=os.environ.get("RAY_ADDRESS", "this machine"),
            remedy="check RAY_ADDRESS, how busy this machine is, and Ray's logs in "
            "/tmp/ray/session_latest/logs",
        ) from None
    if in_main_thread:
        signal.signal(signal.SIGTERM, handler)


def _rows(slice_: Slice) -> str:
    return f"{slice_.rows[0].place} to {slice_.rows[-1].place}"


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]
