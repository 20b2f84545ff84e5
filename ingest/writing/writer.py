"""Bulk requests, and one outcome for each operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from es_hybrid.client import reason_of, translated
from es_hybrid.waiting import Patience, Waits
from ingest.writing.limit import AdaptiveLimit
from ingest.writing.operation import Operation
from ingest.writing.outcome import Outcome, outcome_of
from ingest.writing.patiently import PASSING_STATUSES, passing

# An answer needs no more than this of each item.
_FILTER_PATH = "errors,items.*.status,items.*.result,items.*.error"
_TOO_LARGE = 413
# What a request is refused with for something in it.
_OF_THE_CONTENT = frozenset({400, _TOO_LARGE})
# Stands for whatever kept a request from being answered.
_BUSY = 503


@dataclass(frozen=True, slots=True)
class _Answer:
    """Of one request.

    Attributes:
        outcomes: One an operation, also where the request was answered as a whole.
        refused: The request as a whole was, for one of its operations or for its size.
        pause: Seconds the cluster asked to be left alone for.
    """

    outcomes: list[Outcome]
    refused: bool = False
    pause: float = 0.0


class BulkWriter:
    """Sends bulk requests. Safe to call from several threads.

    What the cluster is too busy for is sent again, and only that. A request that is too large is
    halved, and so is one that is refused as a whole, until what it is refused for stands alone.
    An operation that was answered is not sent again.

    Args:
        place: What error messages call the cluster.
        patience: How long the cluster may be busy or away.
        limit: Of the requests at once, over all threads.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        *,
        place: str,
        patience: Patience,
        limit: AdaptiveLimit,
    ) -> None:
        # The transport would send again at once and without a word; that is decided here.
        self._client = client.options(max_retries=0, retry_on_status=())
        self.index = index
        self._place = place
        self._patience = patience
        self._limit = limit

    def send(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Write; one outcome for each operation, in their order.

        Raises:
            Outage: the cluster stays busy or away.
            ElasticsearchError: it lets us write nothing.
        """
        outcomes: dict[int, Outcome] = {}
        waits = Waits(self._patience)
        # Requests yet to be made, as positions in `operations`.
        requests: list[Sequence[int]] = [range(len(operations))] if operations else []
        while requests:
            positions = requests.pop()
            answer = self._request([operations[at] for at in positions])
            if answer.refused and len(positions) > 1:
                middle = len(positions) // 2
                requests += [positions[middle:], positions[:middle]]
                continue
            answered = dict(zip(positions, answer.outcomes, strict=True))
            busy = [at for at in positions if answered[at].status in PASSING_STATUSES]
            outcomes |= answered
            if len(busy) < len(positions):
                waits.progressed()
            if busy:
                waits.wait(answered[busy[0]].reason, place=self._place, at_least=answer.pause)
                requests.append(busy)
        return [outcomes[at] for at in range(len(operations))]

    def _request(self, operations: Sequence[Operation]) -> _Answer:
        """Ask once.

        Raises:
            ElasticsearchError: the cluster refuses whatever we send.
        """
        with translated(self._place), self._limit.slot() as slot:
            try:
                items = self._post(operations)
            except (ApiError, TransportError) as error:
                slot.answered = isinstance(error, ApiError)
                if failure := passing(error):
                    slot.busy = True
                    busy = [Outcome(o, _BUSY, reason=failure.problem) for o in operations]
                    return _Answer(busy, pause=failure.pause)
                if isinstance(error, ApiError) and error.meta.status in _OF_THE_CONTENT:
                    return _Answer([_refusal(error, o) for o in operations], refused=True)
                raise
            outcomes = list(map(outcome_of, operations, items))
            slot.busy = any(outcome.status in PASSING_STATUSES for outcome in outcomes)
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
    """The end of an operation that a request is refused for."""
    status = error.meta.status
    detail = error.body.get("error") if isinstance(error.body, dict) else None
    if status == _TOO_LARGE:
        size = len(operation.body)
        reason = f"its {size:,} bytes are more than the cluster takes in a request"
    else:
        reason = reason_of(detail) if isinstance(detail, dict) else str(error)
    return Outcome(operation, status, reason=reason)
