"""Bulk requests, and one outcome for each document.

Every operation carries its id and an external version, so sending one twice changes nothing and
an older row never overwrites a newer one: what is in doubt (a lost answer) is simply sent again.
Knows nothing about products and vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from es_hybrid.client import translated
from ingest.backoff import RETRIED_STATUSES, Backoff, with_retries
from ingest.sources import Row

# An answer needs no more than this of each item.
_FILTER_PATH = "errors,items.*.status,items.*.result,items.*.error"
# A version conflict: what is stored is newer.
_CONFLICT = 409
_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Operation:
    """One document on its way, encoded once.

    Attributes:
        body: Action line and document line, each with its line feed.
    """

    id: str
    row: Row
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an operation.

    Attributes:
        status: HTTP status of the item; 200 and 201 are success, 409 means a newer one is stored.
        created: The document was not there before.
        reason: Elasticsearch's own words for a failure.
    """

    operation: Operation
    status: int
    created: bool = False
    reason: str = ""

    @property
    def written(self) -> bool:
        """The document is stored as sent."""
        return self.status < 300

    @property
    def superseded(self) -> bool:
        """A newer version of the document was stored already."""
        return self.status == _CONFLICT


def encode(document_id: str, document: Mapping[str, Any], *, version: int) -> bytes:
    """Action line and document line of one document.

    `external_gte`: a document is written unless a higher version of it is stored.
    """
    action = {"_id": document_id, "version": version, "version_type": "external_gte"}
    return b'{"index":%b}\n%b\n' % (orjson.dumps(action), orjson.dumps(document))


class BulkWriter:
    """Sends bulk requests. Safe to call from several threads.

    Args:
        place: What error messages call the cluster.
        patience: Seconds a request is sent again for, while the cluster is busy or away.
    """

    def __init__(
        self, client: Elasticsearch, index: str, *, place: str, patience: float = 60.0
    ) -> None:
        # The transport would send again at once and without a word; that is decided here.
        self._client = client.options(max_retries=0, retry_on_status=())
        self.index = index
        self._place = place
        self._patience = patience

    def send(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Write the documents; an outcome for each, not in order.

        Items that the cluster is too busy for are sent again, and only those. A request that is
        too large is halved.

        Raises:
            ElasticsearchError: the cluster stays away, or refuses the request as a whole.
        """
        outcomes: list[Outcome] = []
        backoff = Backoff(limit=self._patience)
        while True:
            answered = self._request(operations)
            busy = [outcome for outcome in answered if outcome.status in RETRIED_STATUSES]
            outcomes += (outcome for outcome in answered if outcome.status not in RETRIED_STATUSES)
            if not busy:
                return outcomes
            if not backoff.wait(f"{len(busy)} documents answered {busy[0].status}"):
                return outcomes + busy
            operations = [outcome.operation for outcome in busy]

    def _request(self, operations: Sequence[Operation]) -> list[Outcome]:
        """One request, or two halves of it."""
        with translated(self._place):
            try:
                items = with_retries(lambda: self._post(operations), limit=self._patience)
            except ApiError as error:
                if error.meta.status != _TOO_LARGE:
                    raise
                return self._halves(operations)
        return [
            _outcome(operation, item) for operation, item in zip(operations, items, strict=True)
        ]

    def _post(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        """The items of the answer, in the order of the operations."""
        lines = cast("Sequence[Mapping[str, Any]]", [operation.body for operation in operations])
        answer = self._client.bulk(index=self.index, operations=lines, filter_path=_FILTER_PATH)
        items = [item["index"] for item in answer["items"]]
        if len(items) != len(operations):
            raise TransportError(f"{len(items)} items for {len(operations)} operations")
        return items

    def _halves(self, operations: Sequence[Operation]) -> list[Outcome]:
        if len(operations) == 1:
            size = len(operations[0].body)
            reason = f"its {size:,} bytes are more than the cluster takes in a request"
            return [Outcome(operations[0], _TOO_LARGE, reason=reason)]
        middle = len(operations) // 2
        return self._request(operations[:middle]) + self._request(operations[middle:])


def _outcome(operation: Operation, item: Mapping[str, Any]) -> Outcome:
    error = item.get("error")
    return Outcome(
        operation,
        status=item["status"],
        created=item.get("result") == "created",
        reason=_reason(error) if error else "",
    )


def _reason(error: Mapping[str, Any]) -> str:
    """The innermost cause, where Elasticsearch says what is really wrong."""
    reasons = [error.get("reason") or error.get("type", "unknown")]
    while cause := error.get("caused_by"):
        error = cause
        reasons.append(error.get("reason") or error.get("type", "unknown"))
    text = reasons[0] if len(reasons) == 1 else f"{reasons[0]}: {reasons[-1]}"
    return " ".join(text.split())[:500]
