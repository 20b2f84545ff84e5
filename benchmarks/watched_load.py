"""A load in a process of its own: what it has done, the memory it takes, and kills."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from es_hybrid.errors import EsHybridError
from ingest.record.ledger import SUFFIX, Ledger
from tests.processes import slice_actors

Victim = Literal["command", "actor"]

_MIB = 1024
# Seconds.
_TICK = 0.2


def memory(pid: int, *, peak: bool = False) -> float:
    """Resident MiB of a process, now or at most; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        return int(status.split("VmHWM:" if peak else "VmRSS:")[1].split()[0]) / _MIB
    except (OSError, IndexError):
        return 0.0


@dataclass
class WatchedLoad:
    """`es-hybrid ingest load`, resumed after every kill.

    Args:
        folder: Working folder of the command, for its ledger.
        runner: `local` or `ray`.
        variables: The settings, as environment variables.
        kills: How often to kill, each time after a random number of rows.

    Attributes:
        killed: Number of kills.
        peaks: Highest resident MiB of the command and of an actor, of all their processes.
    """

    folder: Path
    runner: str
    rows: Path
    count: int
    variables: dict[str, str]
    kills: int = 0
    victim: Victim = "command"
    seed: int = 21
    killed: int = 0
    peaks: dict[str, float] = field(default_factory=lambda: {"command": 0.0, "actor": 0.0})

    def start(self) -> None:
        """Begin the load."""
        self._dice = random.Random(self.seed)
        # Not at the very end: the load might finish before the kill.
        self._due = sorted(
            int(self.count * self._dice.uniform(0.01, 0.97)) for _ in range(self.kills)
        )
        self._ledger: Path | None = None
        self._run("load", str(self.rows))

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-c", "from es_hybrid.cli import main; main()", "ingest"]
        with (self.folder / "load.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *arguments, "--runner", self.runner],
                cwd=self.folder,
                env={**os.environ, **self.variables},
                stdout=log,
                stderr=log,
            )

    def end(self) -> None:
        """End the command, if it is still running."""
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Process id of the command."""
        return self._process.pid

    def tick(self) -> bool:
        """Watch for a moment; returns whether the load is still running."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_TICK)
            if code != 0 and not (code == -signal.SIGKILL and self._finished()):
                raise RuntimeError((self.folder / "load.log").read_text("utf-8")[-3000:])
            return False
        for kind, pids in (("command", [self.pid]), ("actor", self.actors())):
            self.peaks[kind] = max([self.peaks[kind], *(memory(pid, peak=True) for pid in pids)])
        if self._due and self.done() >= self._due[0]:
            self._kill()
        return True

    def actors(self) -> list[int]:
        """Process ids of the actors."""
        return slice_actors(self.pid) if self.runner == "ray" else []

    def done(self) -> int:
        """Rows of the slices that are done."""
        if self._ledger is None:
            self._ledger = next((self.folder / "loads").glob(f"*{SUFFIX}"), None)
        if self._ledger is None:
            return 0
        with contextlib.suppress(EsHybridError), Ledger(self._ledger) as ledger:
            return ledger.totals().rows
        return 0

    def _finished(self) -> bool:
        """Whether the ledger has ended, which is before the command does."""
        if self._ledger is None:
            return False
        with Ledger(self._ledger) as ledger:
            return ledger.finished is not None

    def _kill(self) -> None:
        pids = [self.pid] if self.victim == "command" else self.actors()
        if not pids:  # an actor that was killed before is still starting
            return
        try:
            os.kill(self._dice.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return
        if self.victim == "command" and self._process.wait() == 0:
            return
        self._due.pop(0)
        self.killed += 1
        if self.victim == "command" and not self._finished():
            self._run("resume")
