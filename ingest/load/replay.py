"""Loading rejected rows again after the cause is corrected."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from es_hybrid.errors import RowError, SourceError
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.load.run import LoadRun, open_runner
from ingest.load.slices import Slice
from ingest.load.target import Target, open_target, refresh
from ingest.record.dead_letters import DeadLetter, replace_lines
from ingest.record.ledger import Ledger, LoadFacts
from ingest.record.load_events import recorded
from ingest.record.loads import REPLAY, lock_index, new_path, newest_versions, prune
from ingest.record.result import NOT_TAKEN, SliceKey
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing.flow import batches

_SLICE_ROWS = 500


class _Entry(NamedTuple):
    """A line of the file, and its row."""

    line: bytes
    row: Row
    id: str
    version: int

    @property
    def key(self) -> tuple[str, int]:
        """See `DeadLetter.key`."""
        return self.row.place, self.version


@dataclass(kw_only=True)
class ReplayJob:
    """Loads the rows in a dead letter file that were meant for the index of the settings.

    Rows that are taken leave the file; rows that are rejected again stay, with the new reason. A
    row keeps its version: if a later row of its product was loaded meanwhile, it is superseded.
    """

    settings: Settings
    dead_letters: Path
    load_run: LoadRun = field(default_factory=LoadRun)

    @property
    def index(self) -> str:
        """The index or alias."""
        return self.settings.index.name

    @property
    def tally(self) -> Tally:
        """The counts so far, also after an error."""
        return self.load_run.tally

    @property
    def rejected(self) -> int:
        """Rows rejected again."""
        return self.tally.rejected

    @property
    def taken(self) -> int:
        """Rows that left the file."""
        return self.tally.taken

    @property
    def repeated(self) -> int:
        """None: several dead letters of a product are in order."""
        return 0

    def stop(self, signal: int) -> None:
        """End early; for a signal handler."""
        self.load_run.stop(signal)

    def run(self, *, say: Callable[[str], None], on_progress: Callable[[Tally], None]) -> None:
        """Load the rows.

        Raises:
            SourceError: the file cannot be read, or a line is not a dead letter.
            EsHybridError: see `LoadJob.run`.
        """
        folder = self.settings.ingest.ledger_dir
        # All rows were rejected before, so consecutive rejections say nothing.
        settings = self.settings.with_(ingest={"max_rejected_in_a_row": None})
        entries, others = _entries(self.dead_letters, self.index)
        if others:
            say(f"{others:,} rows are for other indices and stay in the file")
        with (
            lock_index(folder, self.index),
            open_target(settings, reuse_vectors_from=None, begins=False, say=say) as target,
            Ledger.create(
                new_path(folder, self.index), self._facts(), dead_letters_bytes=0
            ) as ledger,
            recorded(
                settings,
                target.client,
                id_=ledger.path.stem,
                runner="local",
                counts=lambda: self.tally,
                waits=self.load_run.waits,
                on_progress=on_progress,
            ) as progressed,
        ):
            try:
                self._replay(entries, target, ledger, progressed)
            finally:
                refresh(target.client, self.index)
                # Finished or not, its list of ids holds the rows that were taken.
                ledger.finish()
        prune(folder, self.index)

    def _replay(
        self,
        entries: Sequence[_Entry],
        target: Target,
        ledger: Ledger,
        on_progress: Callable[[Tally], None],
    ) -> None:
        newest = newest_versions(
            self.settings.ingest.ledger_dir, self.index, {entry.id for entry in entries}
        )
        outdated = [e for e in entries if newest.get(e.id, NOT_TAKEN) > e.version]
        current = [e for e in entries if newest.get(e.id, NOT_TAKEN) <= e.version]
        self.tally.rows = self.tally.superseded = len(outdated)
        parts = list(batches(current, count=_SLICE_ROWS))
        still = _StillRejected()
        try:
            with closing(open_runner("local", target)) as runner:
                self.load_run.process(
                    _slices(parts),
                    runner=runner,
                    ledger=ledger,
                    dead_letters=still,
                    budget=None,
                    row_id=Cleaner(self.settings).row_id,
                    on_progress=on_progress,
                )
        finally:
            ended = [entry for key in ledger.done for entry in parts[key.number]]
            letters = still.by_key(self.index)
            replace_lines(
                self.dead_letters,
                {entry.line: b"" for entry in outdated}
                | {entry.line: letters.get(entry.key, b"") for entry in ended},
            )

    def _facts(self) -> LoadFacts:
        """A replay is never resumed; its ledger records the versions that were taken."""
        now = time.time()
        return LoadFacts(
            index=self.index,
            kind=REPLAY,
            started=now,
            version=int(now * 1e6),
            sources=(),
            shaping={},
            mapping={},
            dead_letters=str(self.dead_letters),
            delete_missing=False,
            reuse_vectors_from=None,
            slice_rows=_SLICE_ROWS,
            first_rows=_SLICE_ROWS,
        )


class _StillRejected:
    """A `LetterBox` in memory: the file is written once, at the end."""

    size = 0

    def __init__(self) -> None:
        self._letters: list[DeadLetter] = []

    def append(self, letters: Iterable[DeadLetter]) -> None:
        self._letters.extend(letters)

    def by_key(self, index: str) -> dict[tuple[str, int], bytes]:
        """Place and version of each letter -> its line."""
        return {letter.key: letter.encoded(index) for letter in self._letters}


def _slices(parts: Iterable[Sequence[_Entry]]) -> Iterator[Slice]:
    for number, part in enumerate(parts):
        rows = tuple(entry.row for entry in part)
        yield Slice(SliceKey(0, number), rows, tuple(entry.version for entry in part))


def _entries(path: Path, index: str) -> tuple[list[_Entry], int]:
    """The letters for an index, oldest version first, and the number of other letters.

    Raises:
        SourceError: the file cannot be read, or a line is not a dead letter.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}", place=str(path), remedy="check the path"
        ) from None
    read = [_read(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]
    ours = [entry for of, entry in read if of == index]
    return sorted(ours, key=lambda entry: entry.version), len(read) - len(ours)


def _read(line: bytes, place: str) -> tuple[str, _Entry]:
    """The index that a letter is for, and its entry."""
    try:
        letter: dict[str, Any] = json.loads(line)
        row, version = letter["row"], letter["version"]
        origin = letter["place"]
        if isinstance(row, dict):
            opened = Row(origin, row)
        else:
            problem = RowError(letter["reason"], place=origin, remedy=letter["remedy"])
            opened = Row(origin, problem=problem, raw=str(row))
        return letter["index"], _Entry(line, opened, letter["id"], version)
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            "not a dead letter",
            place=place,
            remedy="each line must be a JSON object as `ingest load` writes it",
        ) from None
