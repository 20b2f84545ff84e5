"""Runs the command in a process that kills itself with SIGKILL at a chosen point.

A point is a function of the load, the number of the call, and whether the process dies before,
during or after it. Nothing runs after the kill: no handler, no flush, no finally.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import NamedTuple

from tests.ingest.shell import Shell

# Stage -> its function.
STAGES = {
    "read": "ingest.load.slices:_Work._prepared",
    "look up": "ingest.load.worker:Worker.plan",
    "embed": "ingest.load.worker:Worker.embed",
    "bulk": "ingest.writing.writer:BulkWriter._post",
    "dead letters": "ingest.record.dead_letters:DeadLetters.append",
    "ledger": "ingest.record.ledger:Ledger.finish_slice",
}
MOMENTS = ("before", "during", "after")
NOTHING_LEFT = "no unfinished load"

_DYING = """
import importlib, os, signal, sys, threading
where, number, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
del sys.argv[1:4]
module, _, path = where.partition(":")
owner, name = path.split(".")
owner = getattr(importlib.import_module(module), owner)
function, calls, lock = getattr(owner, name), [0], threading.Lock()

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dying(*args, **kwargs):
    with lock:
        calls[0] += 1
        is_it = calls[0] == number
    if is_it and moment == "before":
        die()
    if is_it and moment == "during":
        threading.Timer(0.001, die).start()
    result = function(*args, **kwargs)
    if is_it and moment == "after":
        die()
    return result

setattr(owner, name, dying)
from es_hybrid.cli import main
main()
"""


class Point(NamedTuple):
    """Where the process dies."""

    stage: str
    number: int
    moment: str

    @classmethod
    def drawn(cls, dice: random.Random, most: dict[str, int]) -> Point:
        """A random stage, moment and call number, which is at most `most[stage]`."""
        stage = dice.choice(list(STAGES))
        return cls(stage, dice.randint(1, most[stage]), dice.choice(MOMENTS))


def run_until(shell: Shell, point: Point, *arguments: str) -> bool:
    """Run a command. Returns whether it was killed; otherwise it finished before the point."""
    command = [sys.executable, "-c", _DYING, STAGES[point.stage], str(point.number), point.moment]
    finished = subprocess.run(
        [*command, *arguments], cwd=shell.folder, env=shell.environment(), capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    # A process may die after its load was finished: then there is nothing to resume.
    over = finished.returncode == 2 and NOTHING_LEFT in finished.stderr
    assert over or finished.returncode in (-signal.SIGKILL, 0, 1), (point, finished.stderr)
    return finished.returncode == -signal.SIGKILL
