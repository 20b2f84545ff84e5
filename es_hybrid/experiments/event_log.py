"""A log of searches and of what shoppers did, in the schema of User Behavior Insights.

One file a day, one JSON object a line: `ubi_queries` and `ubi_events` of UBI 1.x, as
`es-hybrid eval clicks` and `es-hybrid eval interleave` read them.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.background import BackgroundWriter, Count
from es_hybrid.errors import SettingsError
from es_hybrid.secrets import keyed_hash

__all__ = ["EventLog", "event_record", "query_record"]

logger = logging.getLogger(__name__)

_APPLICATION = "es-hybrid"
_ID_FIELD = "_id"
# Bytes that wait for the disk, and of one day's file. Beyond them records are dropped.
MAX_WAITING = 32 * 1024 * 1024
MAX_FILE = 4 * 1024 * 1024 * 1024


def query_record(
    query_id: str,
    text: str,
    hits: Sequence[str],
    attributes: Mapping[str, Any],
    *,
    hash_key: str = "",
) -> dict[str, Any]:
    """A search, for `ubi_queries`.

    Args:
        text: The query.
        hits: Ids of the hits up to the end of the page, from the first page on.
        attributes: Further facts.
        hash_key: If set, the query is replaced by its HMAC-SHA-256 with this key.
    """
    if hash_key:
        # In lower case: readers do not tell the case of queries apart.
        text = keyed_hash(text.lower(), hash_key)
    return {
        "application": _APPLICATION,
        "query_id": query_id,
        "user_query": text,
        "object_id_field": _ID_FIELD,
        "query_response_hit_ids": hits,
        "query_attributes": attributes,
        "timestamp": _now().isoformat(timespec="milliseconds"),
    }


def event_record(
    query_id: str, action: str, object_id: str, position: int | None
) -> dict[str, Any]:
    """What a shopper did with a hit, for `ubi_events`.

    Args:
        action: `click`, `cart`, `order`, or another of the shop's.
        position: Rank of the hit, from 1.
    """
    place = {} if position is None else {"position": {"ordinal": position}}
    return {
        "application": _APPLICATION,
        "action_name": action,
        "query_id": query_id,
        "event_attributes": {
            "object": {"object_id": object_id, "object_id_field": _ID_FIELD},
            **place,
        },
        "timestamp": _now().isoformat(timespec="milliseconds"),
    }


class EventLog:
    """Appends records to the file of the day, in the background.

    Neither a slow disk nor a full one delays or fails a search: what cannot be kept is dropped.

    Args:
        folder: Created if needed. Its files can be read by their owner only.

    Raises:
        SettingsError: the folder cannot be created or written to.
    """

    def __init__(self, folder: Path, count: Count) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(_opened(folder))
        except OSError as error:
            raise SettingsError(
                f"cannot be written to: {error.strerror}",
                place=f"experiment.log = {folder}",
                remedy="name a folder that the server may write to",
            ) from None
        self._folder = folder
        self._writer = BackgroundWriter(
            self._append, count, name="es-hybrid-event-log", room=MAX_WAITING
        )

    def add(self, record: Mapping[str, Any]) -> bool:
        """Keep a record for writing; False if there is no room, and it is dropped."""
        return self._writer.add(orjson.dumps(record) + b"\n")

    def close(self) -> None:
        """Write what waits, for at most five seconds."""
        self._writer.close()

    def _append(self, lines: Sequence[bytes]) -> int:
        with contextlib.suppress(OSError):
            if _appended(self._folder, b"".join(lines)):
                return len(lines)
        logger.warning("%s: cannot write %d records", self._folder, len(lines))
        return 0


def _appended(folder: Path, content: bytes) -> bool:
    """Whether the content was written whole; nothing of it is if the file is full."""
    descriptor = _opened(folder)
    with os.fdopen(descriptor, "ab") as file:
        if os.fstat(descriptor).st_size + len(content) > MAX_FILE:
            return False
        file.write(content)
    return True


def _opened(folder: Path) -> int:
    path = folder / f"ubi-{_now():%Y-%m-%d}.jsonl"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _now() -> datetime:
    return datetime.now(UTC)
