"""Rejected rows, kept with the reason so that they can be corrected and loaded again."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from es_hybrid.errors import RowError, SettingsError
from ingest.sources import Row


class DeadLetters:
    """A file of JSON lines: `time`, `place`, `id`, `stage`, `reason`, `remedy`, `row`.

    Made with the first rejection, readable by its owner only (0600), each entry written at once.
    A later load appends: nothing that was set aside is lost before someone has looked at it.
    `row` is the row as its source has it, or its text where it could not be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def write(self, row: Row, problem: RowError, *, row_id: str, stage: str) -> None:
        """Add an entry.

        Args:
            stage: Where the row was rejected: `read`, `clean` or `bulk`.

        Raises:
            SettingsError: the file cannot be written.
        """
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "place": row.place,
            "id": row_id,
            "stage": stage,
            "reason": problem.message,
            "remedy": problem.remedy,
            "row": row.raw if row.problem else row.values,
        }
        try:
            if self._file is None:
                self._file = self._opened()
            self._file.write(_encoded(entry))
        except OSError as error:
            raise SettingsError(
                f"rejected rows cannot be written: {error.strerror}",
                place=str(self.path),
                remedy="name another file with --dead-letters",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> BinaryIO:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "ab", buffering=0)  # noqa: PTH123 (a descriptor, not a path)


def _encoded(entry: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS) + b"\n"
    except TypeError:
        # orjson refuses lone surrogates and numbers over 64 bits; a dead letter must hold them.
        return json.dumps(entry, default=str).encode() + b"\n"
