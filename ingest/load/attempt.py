"""One run of a load from its shards to its end, which a signal may end early."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

from es_hybrid.errors import Interrupted
from ingest.load.in_process import LocalRunner
from ingest.load.run import Load
from ingest.load.runner import Runner
from ingest.load.slices import Shard
from ingest.load.target import Target
from ingest.load.worker import Worker
from ingest.record.dead_letters import LetterBox
from ingest.record.error_budget import Budget
from ingest.record.ledger import Ledger
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing import Patience

RunnerName = Literal["local", "ray"]


@dataclass(slots=True, kw_only=True)
class Attempt:
    """Runs a load once.

    Attributes:
        tally: The counts so far, also after an error.
    """

    runner: RunnerName = "local"
    tally: Tally = field(default_factory=Tally)
    _load: Load | None = None
    _signal: int | None = None

    def stop(self, signal: int) -> None:
        """End early, after the batch in hand; for a signal handler."""
        self._signal = signal
        if self._load is not None:
            self._load.stop()

    def carry_out(
        self,
        shards: Iterable[Shard],
        *,
        target: Target,
        ledger: Ledger,
        dead_letters: LetterBox,
        budget: Budget | None,
        row_id: Callable[[Row], str],
        on_progress: Callable[[Tally], None],
    ) -> None:
        """Bring the shards to their ends.

        Raises:
            Interrupted: a signal came first.
            EsHybridError: as `Load.run`.
        """
        with closing(self._opened_runner(target)) as runner:
            self._load = Load(
                runner=runner,
                ledger=ledger,
                dead_letters=dead_letters,
                budget=budget,
                row_id=row_id,
                on_progress=on_progress,
                tally=self.tally,
            )
            if self._signal is not None:
                self._load.stop()
            self._load.run(shards)
        if self._signal is not None:
            raise Interrupted("stopped before the end", signal=self._signal)

    def _opened_runner(self, target: Target) -> Runner:
        if self.runner == "ray":
            from ingest.load.on_ray import RayRunner

            return RayRunner(target.spec, actors=target.spec.settings.ingest.ray_actors)
        patience = Patience(target.spec.settings.ingest.max_outage_s)
        worker = Worker(
            target.spec, client=target.client, embedder=target.embedder, patience=patience
        )
        return LocalRunner(worker)
