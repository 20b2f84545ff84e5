"""A log of searches and of what shoppers did, in the schema of User Behavior Insights.

One file a day, one JSON object a line: `ubi_queries` and `ubi_events` of UBI 1.x, as
`es-hybrid eval clicks` and `es-hybrid eval interleave` read them.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.errors import SettingsError

__all__ = ["EventLog", "event_record", "query_record"]

logger = logging.getLogger(__name__)

_APPLICATION = "es-hybrid"
_ID_FIELD = "_id"
# Bytes that wait for the disk, and of one day's file. Beyond them records are dropped.
MAX_WAITING = 32 * 1024 * 1024
MAX_FILE = 4 * 1024 * 1024 * 1024
# Seconds to write what waits when the server ends.
_PATIENCE = 5.0


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
        text = hmac.new(hash_key.encode(), text.lower().encode(), hashlib.sha256).hexdigest()
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
    """Appends records to the file of the day, in a thread of its own.

    Neither a slow disk nor a full one delays or fails a search: what cannot be kept is dropped.

    Args:
        folder: Created if needed. Its files can be read by their owner only.
        count: Called from any thread with `logged` or `dropped` and the number of records.

    Raises:
        SettingsError: the folder cannot be created or written to.
    """

    def __init__(self, folder: Path, count: Callable[[str, int], None]) -> None:
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
        self._count = count
        self._lines: list[bytes] = []
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="es-hybrid-events", daemon=True)
        self._thread.start()

    def add(self, record: Mapping[str, Any]) -> bool:
        """Keep a record for writing; False if there is no room, and it is dropped."""
        line = orjson.dumps(record) + b"\n"
        with self._changed:
            fits = not self._closed and self._waiting + len(line) <= MAX_WAITING
            if fits:
                self._lines.append(line)
                self._waiting += len(line)
                self._changed.notify()
        if not fits:
            self._count("dropped", 1)
        return fits

    def close(self) -> None:
        """Write what waits, for at most five seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(_PATIENCE)

    def _write(self) -> None:
        while lines := self._next():
            outcome = "dropped"
            with contextlib.suppress(OSError):
                if _appended(self._folder, b"".join(lines)):
                    outcome = "logged"
            if outcome == "dropped":
                logger.warning("%s: cannot write %d records", self._folder, len(lines))
            self._count(outcome, len(lines))

    def _next(self) -> list[bytes]:
        """The lines that wait, at least one; none if the log is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closed)
            lines, self._lines, self._waiting = self._lines, [], 0
            return lines


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
