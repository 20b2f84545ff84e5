"""Bulk requests, and one outcome for each operation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from es_hybrid.client import reason_of, translated
from es_hybrid.waiting import Patience, Waits
from ingest.writing.limit import AdaptiveLimit, Slot
from ingest.writing.operation import Operation, Outcome, outcome_of
from ingest.writing.patiently import TEMPORARY_STATUSES, temporary
from ingest.writing.queue import BulkQueue, WaitingOperations

# The only parts of an answer that outcomes are made of.
_FILTER_PATH = "errors,items.*.status,items.*.result,items.*.error"
_TOO_LARGE = 413
# Statuses of a request that is refused because of its content.
_CONTENT_STATUSES = frozenset({400, _TOO_LARGE})
# Status of the outcomes of a request that was not answered.
_UNANSWERED = 503


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer to one request.

    Attributes:
        outcomes: One per operation, also if the request was answered as a whole.
        refused: The request as a whole was refused for its size or for one of its operations.
        pause: Seconds that the cluster asks to wait.
    """

    outcomes: list[Outcome]
    refused: bool = False
    pause: float = 0.0


class BulkWriter:
    """Sends bulk requests. Safe for threads.

    Operations that the cluster is too busy for are sent again. A request that is too large or
    refused as a whole is halved until the operation at fault is alone. An operation that was
    answered is not sent again. What several threads wait to send is sent as one request.

    Args:
        place: Name of the cluster in error messages.
        patience: How long the cluster may be busy or unavailable.
        limit: Limits the requests in progress of all threads.
        max_bytes: Size of a request, unless one operation alone is larger.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        *,
        place: str,
        patience: Patience,
        limit: AdaptiveLimit,
        max_bytes: float = math.inf,
    ) -> None:
        # Without this, the transport retries silently and at once.
        self._client = client.options(max_retries=0, retry_on_status=())
        self.index = index
        self._place = place
        self._patience = patience
        self._max_bytes = max_bytes
        self._waiting = BulkQueue(limit, max_bytes, self._send_together)

    def send(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Write; one outcome for each operation, in their order.

        Raises:
            Outage: the cluster stays busy or unavailable.
            ElasticsearchError: it refuses every write.
        """
        outcomes: dict[int, Outcome] = {}
        waits = Waits(self._patience)
        requests = self._requests(operations)
        while requests:
            positions = requests.pop()
            answer = self._waiting.answer([operations[at] for at in positions])
            if answer.refused and len(positions) > 1:
                middle = len(positions) // 2
                requests += [positions[middle:], positions[:middle]]
                continue
            answered = dict(zip(positions, answer.outcomes, strict=True))
            busy = [at for at in positions if answered[at].status in TEMPORARY_STATUSES]
            outcomes |= answered
            if len(busy) < len(positions):
                waits = Waits(self._patience)  # progress ends an outage
            if busy:
                waits.wait(answered[busy[0]].reason, place=self._place, at_least=answer.pause)
                requests.append(busy)
        return [outcomes[at] for at in range(len(operations))]

    def _requests(self, operations: Sequence[Operation]) -> list[Sequence[int]]:
        """The positions of the operations of each request, the first request last."""
        requests: list[Sequence[int]] = []
        start = size = 0
        for at, operation in enumerate(operations):
            size += len(operation.body)
            if size > self._max_bytes and at > start:
                requests.append(range(start, at))
                start, size = at, len(operation.body)
        if operations:
            requests.append(range(start, len(operations)))
        return requests[::-1]

    def _send_together(self, parts: Sequence[WaitingOperations[_Answer]], slot: Slot) -> None:
        """Send the parts as one request; each by itself if that is refused for one of them."""
        whole = self._request([each for part in parts for each in part.operations], slot)
        if whole.refused and len(parts) > 1:
            for part in parts:
                part.answer.set_result(self._request(part.operations, slot))
            return
        outcomes = iter(whole.outcomes)
        for part in parts:
            own = list(islice(outcomes, len(part.operations)))
            part.answer.set_result(replace(whole, outcomes=own))

    def _request(self, operations: Sequence[Operation], slot: Slot) -> _Answer:
        """Send one request once.

        Raises:
            ElasticsearchError: the cluster refuses every write.
        """
        with translated(self._place):
            try:
                items = self._post(operations)
            except (ApiError, TransportError) as error:
                slot.answered = isinstance(error, ApiError)
                if failure := temporary(error):
                    slot.busy = True
                    busy = [Outcome(o, _UNANSWERED, reason=failure.problem) for o in operations]
                    return _Answer(busy, pause=failure.pause)
                if isinstance(error, ApiError) and error.meta.status in _CONTENT_STATUSES:
                    return _Answer([_refusal(error, o) for o in operations], refused=True)
                raise
            outcomes = list(map(outcome_of, operations, items))
            slot.busy |= any(outcome.status in TEMPORARY_STATUSES for outcome in outcomes)
            return _Answer(outcomes)

    def _post(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        """The items of the answer, in the order of the operations."""
        lines = cast("Sequence[Mapping[str, Any]]", [operation.body for operation in operations])
        answer = self._client.bulk(index=self.index, operations=lines, filter_path=_FILTER_PATH)
        items = list(answer.body.get("items", ()))
        if len(items) != len(operations):
            raise TransportError(f"{len(items)} items for {len(operations)} operations")
        return items


def _refusal(error: ApiError, operation: Operation) -> Outcome:
    """The outcome of an operation that its request is refused for."""
    status = error.meta.status
    detail = error.body.get("error") if isinstance(error.body, dict) else None
    if status == _TOO_LARGE:
        size = len(operation.body)
        reason = f"its {size:,} bytes are more than the cluster accepts in a request"
    else:
        reason = reason_of(detail) if isinstance(detail, dict) else str(error)
    return Outcome(operation, status, reason=reason)
