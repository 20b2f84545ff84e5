"""What is asked of the index for one document, encoded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Kind = Literal["index", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One document on its way.

    Attributes:
        body: Action line and, but for a delete, document line, each with its line feed.
        tag: Whatever the caller wants back with the outcome.
    """

    id: str
    kind: Kind
    body: bytes
    tag: Any = None


def index_operation(
    id_: str, document: Mapping[str, Any], *, version: int, tag: Any = None
) -> Operation:
    """The whole document, unless a higher version of it is stored (`external_gte`).

    Sent twice it changes nothing, and replays in any order end at the highest version.

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
    """Some fields of a document, unless it changed since it was read.

    What `patch` does not name stays: objects are merged, so a field is taken away by a null.

    Args:
        routing: The document's own `_routing`, where it was written with one.
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
    """No document of this id, unless it changed since it was read."""
    action = {"_id": id_, "if_seq_no": if_seq_no, "if_primary_term": if_primary_term}
    return Operation(id_, "delete", b'{"delete":%b}\n' % orjson.dumps(action), tag)
