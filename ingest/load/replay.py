"""Loading rejected rows again, once what they were rejected for has been set right."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from es_hybrid.errors import RowError, SourceError
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.load.attempt import Attempt
from ingest.load.slices import NOT_TAKEN, Shard, ShardKey
from ingest.load.target import Target, open_target, refresh
from ingest.record.dead_letters import DeadLetter, replace_lines
from ingest.record.ledger import Ledger, LoadFacts
from ingest.record.loads import REPLAY, lock_index, new_path, newest_versions, prune
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing.flow import batches

_SHARD_ROWS = 500


class _Entry(NamedTuple):
    """A line of the file, and the row in it."""

    line: bytes
    row: Row
    id: str
    version: int

    @property
    def key(self) -> tuple[str, int]:
        """As `DeadLetter.key`."""
        return self.row.place, self.version


@dataclass(kw_only=True)
class ReplayJob:
    """The rows of a file of dead letters that were meant for the index of the settings.

    What is taken leaves the file, what is rejected again stays with the new reason. A row keeps
    its version: where a later one of its product has been loaded meanwhile, it is superseded.

    Attributes:
        attempt: The one run of it.
    """

    settings: Settings
    dead_letters: Path
    attempt: Attempt = field(default_factory=Attempt)

    @property
    def index(self) -> str:
        """The index or alias that is loaded into."""
        return self.settings.index.name

    @property
    def tally(self) -> Tally:
        """The counts so far, also after an error."""
        return self.attempt.tally

    @property
    def rejected(self) -> int:
        """Rows rejected again."""
        return self.tally.rejected

    @property
    def taken(self) -> int:
        """Rows that left the file."""
        return self.tally.taken

    def run(self, *, say: Callable[[str], None], on_progress: Callable[[Tally], None]) -> None:
        """Load the rows.

        Raises:
            SourceError: the file cannot be read, or holds what is no dead letter.
            EsHybridError: as a load.
        """
        folder = self.settings.ingest.ledger_dir
        # All of them were rejected before, so rejections in a row say nothing.
        ingest = self.settings.ingest.model_copy(update={"max_rejected_in_a_row": None})
        settings = self.settings.model_copy(update={"ingest": ingest})
        entries, others = _entries(self.dead_letters, self.index)
        if others:
            say(f"{others:,} letters are for other indices and stay")
        with (
            lock_index(folder, self.index),
            open_target(settings, reuse_vectors_from=None, begins=False, say=say) as target,
            Ledger.create(
                new_path(folder, self.index), self._facts(), dead_letters_bytes=0
            ) as ledger,
        ):
            try:
                self._replay(entries, target, ledger, on_progress)
            finally:
                refresh(target.client, self.index)
                # Done or not: what of it was taken is in its list of ids.
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
        parts = list(batches(current, count=_SHARD_ROWS))
        still = _StillRejected()
        try:
            self.attempt.carry_out(
                _shards(parts),
                target=target,
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
        """A replay's ledger is never gone on with: it keeps the versions that were taken."""
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
            shard_rows=_SHARD_ROWS,
            first_rows=_SHARD_ROWS,
        )


class _StillRejected:
    """A `LetterBox` in memory: the file is written once, in the end."""

    size = 0

    def __init__(self) -> None:
        self._letters: list[DeadLetter] = []

    def append(self, letters: Iterable[DeadLetter]) -> None:
        self._letters.extend(letters)

    def by_key(self, index: str) -> dict[tuple[str, int], bytes]:
        """Place and version of each letter -> its line."""
        return {letter.key: letter.encoded(index) for letter in self._letters}


def _shards(parts: Iterable[Sequence[_Entry]]) -> Iterator[Shard]:
    for number, part in enumerate(parts):
        rows = tuple(entry.row for entry in part)
        yield Shard(ShardKey(0, number), rows, tuple(entry.version for entry in part))


def _entries(path: Path, index: str) -> tuple[list[_Entry], int]:
    """The letters for an index, oldest version first, and how many are for others.

    Raises:
        SourceError: the file cannot be read, or holds what is no dead letter.
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
    """The index a letter is for, and what is in it."""
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
            "this is no dead letter",
            place=place,
            remedy="a line of the file is a JSON object as `ingest load` writes it",
        ) from None
