"""A file of synonyms, read again when it changes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from es_hybrid.errors import SettingsError
from es_hybrid.understanding.synonym_rules import SynonymRules, parse_synonyms

logger = logging.getLogger(__name__)

# Seconds between looks at the file.
_PAUSE = 3.0
_MAX_BYTES = 16 * 1024 * 1024
_SET = "es://"


class SynonymFile:
    """The rules of a file. Safe for threads.

    A file that becomes unreadable, or has a wrong line, leaves the rules as they were; the log says
    so.

    Args:
        clock: Returns seconds.

    Attributes:
        rules: As of the last `refresh`.

    Raises:
        SettingsError: the file cannot be read, or has a wrong line.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looked = clock()
        self._seen = self._state()
        self.rules = read_synonyms(path)

    @property
    def is_due(self) -> bool:
        """Whether the last look at the file is three seconds ago."""
        return self._clock() - self._looked >= _PAUSE

    def refresh(self) -> None:
        """Read the file if it has changed. 10,000 rules take a third of a second."""
        self._looked = self._clock()
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self.rules = read_synonyms(self._path)
        except SettingsError as error:
            logger.warning("the synonyms stay as they were: %s", error)
        else:
            logger.info("read the synonyms in %s", self._path)

    def _state(self) -> tuple[int, ...]:
        """Differs after each change; empty if there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def open_synonyms(source: str) -> SynonymFile | None:
    """The file of `search.synonyms`; None if it names none.

    Raises:
        SettingsError: the file cannot be read, or has a wrong line.
    """
    return SynonymFile(Path(source)) if source and synonyms_set(source) is None else None


def synonyms_set(source: str) -> str | None:
    """The name of Elasticsearch's set of synonyms in `search.synonyms`; None if it is a file."""
    return source.removeprefix(_SET) if source.startswith(_SET) else None


def read_synonyms(path: Path) -> SynonymRules:
    """The rules of a file.

    Raises:
        SettingsError: it cannot be read, or has a wrong line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise SettingsError(
            f"cannot be read: {error.strerror}",
            place=str(path),
            remedy="set search.synonyms to a file of rules, or to nothing",
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            "not UTF-8", place=f"{path}:{line}", remedy="save the file as UTF-8"
        ) from None
    if len(content) > _MAX_BYTES:
        raise SettingsError(
            f"larger than {_MAX_BYTES >> 20} MiB", place=str(path), remedy="remove rules"
        )
    return parse_synonyms(lines, place=str(path))
