"""The journal of a run: what was measured survives a killed process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from es_hybrid.errors import EvaluationError
from es_hybrid.files import lock

# Query id -> number of a trial -> its value.
Values = dict[str, dict[int, float]]


class TuningJournal:
    """A file of JSON lines: what the run measures, then the values of one query a line.

    Attributes:
        values: What was measured so far.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        """Continue a journal, or begin one.

        Args:
            run: All that the values depend on.

        Raises:
            EvaluationError: it cannot be written, another process writes it, or it belongs to a
                run of something else.
        """
        self.values: Values = {}
        self._path = path
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise EvaluationError(
                f"cannot be written: {error.strerror}",
                place=str(path),
                remedy="choose another --out",
            ) from None
        self._file = os.fdopen(descriptor, "a+b")
        try:
            self._begin(orjson.dumps(run, option=orjson.OPT_SORT_KEYS))
        except BaseException:
            self._file.close()
            raise

    def write(self, query: str, values: Mapping[int, float]) -> None:
        """Add the values of a query."""
        line = {"query": query, "values": values}
        self._file.write(orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS) + b"\n")
        self._file.flush()

    def remove(self) -> None:
        """Delete the file: the run is over."""
        self._path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _begin(self, run: bytes) -> None:
        if not lock(self._file.fileno()):
            raise EvaluationError(
                "another process writes it", place=str(self._path), remedy="wait until it has ended"
            )
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        # A killed process may leave half a line at the end.
        self._file.truncate(sum(len(line) + 1 for line in lines[:-1]))
        if len(lines) == 1:
            self._file.write(run + b"\n")
            self._file.flush()
            return
        if lines[0] != run:
            raise EvaluationError(
                "it belongs to a run with other queries, judgements, settings, index or options",
                place=str(self._path),
                remedy="remove it, or choose another --out",
            )
        for number, line in enumerate(lines[1:-1], 2):
            self._read(line, number)

    def _read(self, line: bytes, number: int) -> None:
        try:
            entry = orjson.loads(line)
            values = {int(trial): float(value) for trial, value in entry["values"].items()}
            self.values.setdefault(str(entry["query"]), {}).update(values)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EvaluationError(
                "not an entry of a journal",
                place=f"{self._path}:{number}",
                remedy="remove the file and run the command again",
            ) from None
