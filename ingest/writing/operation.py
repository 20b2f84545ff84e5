"""One document's write operation, encoded once, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from es_hybrid.client import reason_of

_CONFLICT = 409
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Operation:
    """One write.

    Attributes:
        body: Action line and, except for a delete, document line, each with its line feed.
        tag: Returned with the outcome; its meaning is the caller's.
    """

    id: str
    kind: Literal["index", "update", "delete"]
    body: bytes
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Elasticsearch answered to an operation.

    Attributes:
        status: HTTP status of the item, or of the request if it was refused as a whole.
        result: `created`, `updated`, `deleted`, `noop`, `not_found`; empty after a failure.
        reason: Elasticsearch's description of a failure.
    """

    operation: Operation
    status: int
    result: str = ""
    reason: str = ""

    @property
    def written(self) -> bool:
        """The index holds what the operation asked for."""
        return self.status < 300

    @property
    def created(self) -> bool:
        """The document is new."""
        return self.result == "created"

    @property
    def superseded(self) -> bool:
        """A newer version of the document was stored already."""
        return self.status == _CONFLICT and self.operation.kind == "index"

    @property
    def conflict(self) -> bool:
        """The document changed after it was read.

        Also true if the answer to the operation was lost and it was sent again: its first attempt
        changed the document.
        """
        return self.status == _CONFLICT and self.operation.kind != "index"

    @property
    def missing(self) -> bool:
        """The document to update or delete does not exist."""
        return self.status == _NOT_FOUND and self.operation.kind != "index"


def outcome_of(operation: Operation, item: Mapping[str, Any]) -> Outcome:
    """The outcome in an item of a bulk answer."""
    answer = item[operation.kind]
    error = answer.get("error")
    return Outcome(
        operation,
        status=answer["status"],
        result="" if error else answer.get("result", ""),
        reason=reason_of(error) if error else "",
    )


def index_operation(
    id_: str, document: Mapping[str, Any], *, version: int, tag: Any = None
) -> Operation:
    """Write a whole document unless a higher version of it is stored (`external_gte`).

    Sending it twice changes nothing, and replays in any order end at the highest version.

    Args:
        version: 0 to 2^63 - 1.
    """
    action = {"_id": id_, "version": version, "version_type": "external_gte"}
    body = b'{"index":%b}\n%b\n' % (orjson.dumps(action), orjson.dumps(document))
    return Operation(id_, "index", body, tag)


def update_operation(
    id_: str,
    patch: Mapping[str, Any],
    *,
    if_seq_no: int,
    if_primary_term: int,
    routing: str | None = None,
    tag: Any = None,
) -> Operation:
    """Write some fields of a document unless it changed after it was read.

    Elasticsearch merges objects, so a null in `patch` removes a field; other fields stay.

    Args:
        routing: The document's `_routing`, if it was written with one.
    """
    action: dict[str, Any] = {
        "_id": id_,
        "if_seq_no": if_seq_no,
        "if_primary_term": if_primary_term,
    }
    if routing is not None:
        action["routing"] = routing
    body = b'{"update":%b}\n{"doc":%b}\n' % (orjson.dumps(action), orjson.dumps(patch))
    return Operation(id_, "update", body, tag)


def delete_operation(
    id_: str, *, if_seq_no: int, if_primary_term: int, tag: Any = None
) -> Operation:
    """Delete a document unless it changed after it was read."""
    action = {"_id": id_, "if_seq_no": if_seq_no, "if_primary_term": if_primary_term}
    return Operation(id_, "delete", b'{"delete":%b}\n' % orjson.dumps(action), tag)
