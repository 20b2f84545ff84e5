"""The garbage collector of a process of our own."""

from __future__ import annotations

import subprocess
import sys

# A cycle made before is never visited again; one made later still is, only not so soon.
PROGRAM = """
import gc, weakref
from es_hybrid.garbage import collect_rarely

class Node:
    pass

def cycle():
    node = Node()
    node.itself = node
    return weakref.ref(node)

garbage = cycle()
collect_rarely()
frozen = gc.get_freeze_count()
print(garbage() is None, frozen > 1000)
young = [cycle() for _ in range(5_000)]
print(all(node() for node in young))
young += [cycle() for _ in range(20_000)]
print(any(node() is None for node in young))
"""


def test_garbage_is_collected_but_rarely() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"] * 4
