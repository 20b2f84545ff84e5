"""What became of an operation, in Elasticsearch's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from es_hybrid.client import reason_of
from ingest.writing.operation import Operation

_CONFLICT = 409
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one end of an operation.

    Attributes:
        status: HTTP status of the item, or of the request where it was refused as a whole.
        result: `created`, `updated`, `deleted`, `noop`, `not_found`; empty for a failure.
        reason: Elasticsearch's own words for a failure.
    """

    operation: Operation
    status: int
    result: str = ""
    reason: str = ""

    @property
    def written(self) -> bool:
        """The index holds what was asked for."""
        return self.status < 300

    @property
    def created(self) -> bool:
        """The document was not there before."""
        return self.result == "created"

    @property
    def superseded(self) -> bool:
        """A newer version of the document was stored already."""
        return self.status == _CONFLICT and self.operation.kind == "index"

    @property
    def conflict(self) -> bool:
        """The document changed since it was read.

        Also where the answer to the operation was lost and it was sent again: it changed it itself.
        """
        return self.status == _CONFLICT and self.operation.kind != "index"

    @property
    def missing(self) -> bool:
        """There is no such document to update or delete."""
        return self.status == _NOT_FOUND and self.operation.kind != "index"


def outcome_of(operation: Operation, item: Mapping[str, Any]) -> Outcome:
    """The outcome that an item of a bulk answer tells."""
    answer = item[operation.kind]
    error = answer.get("error")
    return Outcome(
        operation,
        status=answer["status"],
        result="" if error else answer.get("result", ""),
        reason=reason_of(error) if error else "",
    )
