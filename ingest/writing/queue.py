"""Operations that wait for a slot of the cluster travel together.

A request costs Elasticsearch the same, whatever its size: among other things, the translog of each
shard is synced to the disk. While the cluster has as many requests as it may have, further ones
wait here, and the next free slot takes all of them as one. So the small batches of a fast embedder
become large requests, and nothing waits for a batch of a slow one. Databases call it group commit
(DeWitt et al. 1984, "Implementation techniques for main memory database systems").
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ingest.writing.limit import AdaptiveLimit, Slot
from ingest.writing.operation import Operation

T = TypeVar("T")


@dataclass(eq=False)
class WaitingOperations(Generic[T]):
    """What one thread waits to send.

    Attributes:
        answer: The answer to its operations.
        taken: A thread sends it now, or has sent it.
    """

    operations: Sequence[Operation]
    answer: Future[T] = field(default_factory=Future)
    taken: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(operation.body) for operation in self.operations)


class BulkQueue(Generic[T]):
    """Lets the thread that gets a slot send what all threads wait to send. Safe for threads.

    Args:
        limit: Of the requests in progress.
        max_bytes: Of the operations sent together, unless one part alone is larger.
        send: Sends some parts and sets their answers.
    """

    def __init__(
        self,
        limit: AdaptiveLimit,
        max_bytes: float,
        send: Callable[[Sequence[WaitingOperations[T]], Slot], None],
    ) -> None:
        self._limit = limit
        self._max_bytes = max_bytes
        self._send = send
        self._waiting: deque[WaitingOperations[T]] = deque()
        self._taking = threading.Lock()

    def answer(self, operations: Sequence[Operation]) -> T:
        """Send the operations, alone or with others; raises what `send` raises."""
        part: WaitingOperations[T] = WaitingOperations(operations)
        with self._taking:
            self._waiting.append(part)
        while not part.taken:
            with self._limit.slot(unless=lambda: part.taken) as slot:
                if slot is not None:
                    self._send_all(self._taken(), slot)
        return part.answer.result()

    def _taken(self) -> list[WaitingOperations[T]]:
        """The parts of the next request, in the order in which they came."""
        parts: list[WaitingOperations[T]] = []
        size = 0
        with self._taking:
            while self._waiting:
                size += self._waiting[0].size
                if parts and size > self._max_bytes:
                    break
                parts.append(self._waiting.popleft())
                parts[-1].taken = True
        return parts

    def _send_all(self, parts: Sequence[WaitingOperations[T]], slot: Slot) -> None:
        if not parts:  # another thread was faster
            return
        try:
            self._send(parts, slot)
        except BaseException as error:  # the threads of the other parts must not wait for ever
            for part in parts:
                if not part.answer.done():
                    part.answer.set_exception(error)
